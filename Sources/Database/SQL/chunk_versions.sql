-- The partly compressed chunks among what the relation with OID $1 is made of, each with the transaction that wrote its row of
-- the extension's catalog. Of a hypertable the chunks $2 count, where they are given. Where each statement has a snapshot of its
-- own, chunks that are wholly compressed count too: they may become partly compressed before the next statement.
WITH RECURSIVE tree (oid) AS (
  SELECT $1::pg_catalog.int8::pg_catalog.oid
  UNION
  SELECT below.oid
  FROM tree
  CROSS JOIN LATERAL (
    SELECT i.inhrelid
    FROM pg_catalog.pg_inherits i
    WHERE i.inhparent = tree.oid AND ($2::pg_catalog.oid[] IS NULL OR i.inhrelid = ANY ($2::pg_catalog.oid[]))
    UNION ALL
    -- What a view reads.
    SELECT d.refobjid
    FROM pg_catalog.pg_class v
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = v.oid AND r.ev_type = '1'
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    JOIN pg_catalog.pg_class s ON s.oid = d.refobjid AND s.relkind IN ('r', 'p', 'v', 'm')
    WHERE v.oid = tree.oid AND v.relkind = 'v'
  ) AS below (oid)
)
SELECT k.id, k.xmin::pg_catalog.text AS version, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
FROM tree
JOIN pg_catalog.pg_class c ON c.oid = tree.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN _timescaledb_catalog.chunk k ON k.schema_name = n.nspname AND k.table_name = c.relname
WHERE k.status & 1 = 1
  AND (k.status & 8 = 8 OR pg_catalog.current_setting('transaction_isolation') <> 'repeatable read')
