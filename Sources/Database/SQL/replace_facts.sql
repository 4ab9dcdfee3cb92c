-- What a DELETE from the relation with OID $1 does besides deleting its rows: foreign keys that would change rows of other
-- tables, rules and triggers; and whether it is a plain table, from which others may inherit (a chunk inherits from its
-- hypertable too).
WITH RECURSIVE tree (oid) AS (
  SELECT $1::pg_catalog.int8::pg_catalog.oid
  UNION
  SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
),
-- The foreign keys that point at the tree, and, for those that PostgreSQL has made for partitions, the ones they stand for.
reference (oid) AS (
  SELECT f.oid
  FROM tree JOIN pg_catalog.pg_constraint f ON f.confrelid = tree.oid
  WHERE f.contype = 'f' AND f.confdeltype IN ('c', 'n', 'd')
  UNION
  SELECT f.conparentid
  FROM reference JOIN pg_catalog.pg_constraint f ON f.oid = reference.oid
  WHERE f.conparentid <> 0
)
SELECT COALESCE(
    (
      SELECT pg_catalog.json_agg(named.text ORDER BY named.text)
      FROM (
        SELECT pg_catalog.format('%s of %I.%I', f.conname, n.nspname, c.relname) AS text
        FROM reference
        JOIN pg_catalog.pg_constraint f ON f.oid = reference.oid
        JOIN pg_catalog.pg_class c ON c.oid = f.conrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE f.conparentid = 0
      ) AS named
    )::pg_catalog.text,
    '[]') AS cascades,
  COALESCE(
    (
      SELECT pg_catalog.json_agg(r.rulename ORDER BY r.rulename)
      FROM pg_catalog.pg_rewrite r
      WHERE r.ev_class = $1::pg_catalog.int8::pg_catalog.oid AND r.ev_type = '4' AND r.ev_enabled <> 'D'
    )::pg_catalog.text,
    '[]') AS rules,
  -- Bit 8 of tgtype: on delete.
  COALESCE(
    (
      SELECT pg_catalog.json_agg(DISTINCT t.tgname ORDER BY t.tgname)
      FROM tree JOIN pg_catalog.pg_trigger t ON t.tgrelid = tree.oid
      WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 8 = 8
        -- Those of timescaledb keep its books.
        AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'timescaledb'
          WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = t.tgfoid AND d.deptype = 'e'
            AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass)
    )::pg_catalog.text,
    '[]') AS triggers,
  -- A DELETE from a chunk does not run the triggers that its hypertable has for each statement. Bit 1 of tgtype: for each row.
  EXISTS (
    SELECT FROM pg_catalog.pg_trigger t
    WHERE t.tgrelid = $1::pg_catalog.int8::pg_catalog.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 9 = 8
  ) AS has_statement_trigger,
  pg_catalog.has_table_privilege($1::pg_catalog.int8::pg_catalog.oid, 'DELETE') AS may_delete,
  -- The foreign keys that forbid to delete a row which they name.
  (
    SELECT pg_catalog.count(*) FROM tree JOIN pg_catalog.pg_constraint f ON f.confrelid = tree.oid
    WHERE f.contype = 'f' AND f.confdeltype IN ('a', 'r') AND f.conparentid = 0
  ) AS references,
  pg_catalog.has_column_privilege($1::pg_catalog.int8::pg_catalog.oid, 'tableoid', 'SELECT') AS may_tell_children,
  EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = $1::pg_catalog.int8::pg_catalog.oid) AS has_children,
  (SELECT c.relkind = 'r' FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.int8::pg_catalog.oid) AS is_plain
