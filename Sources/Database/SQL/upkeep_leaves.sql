-- The relations that hold the rows of the table with OID $1: itself, its partitions, the chunks of a hypertable, and what inherits from it.
WITH RECURSIVE tree (oid) AS (
  SELECT $1::pg_catalog.int8::pg_catalog.oid
  UNION
  SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
)
SELECT c.oid::pg_catalog.int8 AS oid, n.nspname AS schema, c.relname AS name, c.relkind::pg_catalog.text AS kind,
  (pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8)::pg_catalog.int8 AS blocks,
  -- Tuples of a block, as the last ANALYZE has it; 0 where there was none.
  CASE WHEN c.relpages > 0 THEN GREATEST(c.reltuples, 0) / c.relpages ELSE 0 END::pg_catalog.float8 AS density,
  pg_catalog.pg_total_relation_size(c.oid)::pg_catalog.int8 AS bytes,
  pg_catalog.has_table_privilege(c.oid, 'DELETE') AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT') AS may_delete,
  pg_catalog.has_any_column_privilege(c.oid, 'UPDATE') AS may_lock
FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'f')
ORDER BY c.oid
