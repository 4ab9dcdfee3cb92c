-- The facts of the relation $1.$2: its kind, the role's rights, keys, triggers, rules and partitions.
WITH RECURSIVE named (oid) AS (
  SELECT c.oid
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2
),
-- The relation and all relations that inherit from it; of a view, those that it reads, with theirs.
tree (oid) AS (
  SELECT named.oid FROM named
  UNION
  SELECT below.oid
  FROM tree
  CROSS JOIN LATERAL (
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = tree.oid
    UNION ALL
    SELECT d.refobjid
    FROM pg_catalog.pg_class v
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = v.oid AND r.ev_type = '1'
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    WHERE v.oid = tree.oid AND v.relkind = 'v'
  ) AS below (oid)
),
-- The triggers of the user's own: those of timescaledb (insert_blocker, continuous_agg_invalidation_trigger) keep its books, and
-- neither drop nor change rows.
own_trigger (type) AS (
  SELECT t.tgtype
  FROM tree JOIN pg_catalog.pg_trigger t ON t.tgrelid = tree.oid
  WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'timescaledb'
    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = t.tgfoid AND d.deptype = 'e'
      AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass)
)
SELECT c.oid::pg_catalog.int8 AS oid,
  c.relkind::pg_catalog.text AS kind,
  pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS may_use_schema,
  pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT') AS may_select,
  pg_catalog.has_table_privilege(c.oid, 'INSERT') OR pg_catalog.has_any_column_privilege(c.oid, 'INSERT') AS may_insert,
  -- Unique indexes over plain columns, for all rows, checked at once: those that ON CONFLICT DO NOTHING can use. One with a
  -- column that may be NULL tells rows apart only where it takes NULLs for equal (NULLS NOT DISTINCT, from version 15).
  COALESCE(
    (
      SELECT pg_catalog.json_agg(
        pg_catalog.json_build_object(
          'columns', k.columns, 'nulls_equal', n.nulls_equal, 'tells_rows_apart', n.nulls_equal OR NOT k.may_be_null))
      FROM pg_catalog.pg_index i
      CROSS JOIN LATERAL (
        SELECT COALESCE(pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct' = 'true', false)
      ) AS n (nulls_equal)
      CROSS JOIN LATERAL (
        SELECT pg_catalog.json_agg(a.attname ORDER BY part.place), pg_catalog.bool_or(NOT a.attnotnull)
        FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS part (number, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = part.number
        WHERE part.place <= i.indnkeyatts
      ) AS k (columns, may_be_null)
      WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indexprs IS NULL
    )::pg_catalog.text,
    '[]') AS unique_keys,
  -- ON CONFLICT fails on a unique index that is checked at the end of the transaction.
  EXISTS (
    SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND NOT i.indimmediate
  ) AS has_deferrable_key,
  -- Whether a trigger of the table, or of a partition, may discard a row (PostgreSQL documentation, "Overview of
  -- Trigger Behavior"). Bits of tgtype: 1 for each row, 2 before, 4 on insert. A foreign server may discard rows too.
  EXISTS (
    SELECT FROM own_trigger WHERE own_trigger.type & 7 = 7
  ) OR EXISTS (
    SELECT FROM tree JOIN pg_catalog.pg_class f ON f.oid = tree.oid WHERE f.relkind = 'f'
  ) AS may_drop_rows,
  EXISTS (
    SELECT FROM own_trigger WHERE own_trigger.type & 2 = 0 AND own_trigger.type & 4 = 4
  ) AS has_after_trigger,
  EXISTS (
    SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type = '3' AND r.ev_enabled <> 'D'
  ) AS has_insert_rule,
  -- A foreign table that holds rows: the relation itself or a partition.
  (
    SELECT pg_catalog.format('%I.%I', fn.nspname, f.relname)
    FROM tree
    JOIN pg_catalog.pg_class f ON f.oid = tree.oid
    JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
    WHERE f.relkind = 'f' LIMIT 1
  ) AS foreign_part,
  -- A partition whose DETACH CONCURRENTLY is not finished: its rows are hidden. (Servers before 14 lack
  -- inhdetachpending.)
  (
    SELECT pg_catalog.format('%I.%I', pn.nspname, p.relname)
    FROM tree
    JOIN pg_catalog.pg_inherits i ON i.inhrelid = tree.oid
    JOIN pg_catalog.pg_class p ON p.oid = tree.oid
    JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
    WHERE pg_catalog.to_jsonb(i) ->> 'inhdetachpending' = 'true' LIMIT 1
  ) AS detaching_part,
  EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'timescaledb') AS has_timescale,
  -- The column of a range partition key with exactly one column.
  (
    SELECT a.attname::pg_catalog.text
    FROM pg_catalog.pg_partitioned_table p
    JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = c.oid AND p.partstrat = 'r' AND p.partnatts = 1
  ) AS partition_column
FROM named
JOIN pg_catalog.pg_class c ON c.oid = named.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
