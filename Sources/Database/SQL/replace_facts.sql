-- What a DELETE from the relation with OID $1 does besides deleting its rows: foreign keys that would change rows of other
-- tables, and whether it is a plain table that others inherit from (a chunk of a hypertable inherits from it too).
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
  (
    SELECT c.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid)
    FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.int8::pg_catalog.oid
  ) AS has_children,
  EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'timescaledb') AS has_timescale
