-- Whether the relation with OID $1, and each that inherits from it, has a B-tree index over all its rows that begins with the
-- column $2.
WITH RECURSIVE tree (oid) AS (
  SELECT $1::pg_catalog.int8::pg_catalog.oid
  UNION
  SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
)
SELECT NOT EXISTS (
  SELECT
  FROM tree
  WHERE NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_am m ON m.oid = c.relam
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indrelid = tree.oid AND a.attname = $2::pg_catalog.name
      AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
  )
) AS has_index
