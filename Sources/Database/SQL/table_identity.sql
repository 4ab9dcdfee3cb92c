-- A digest of the files that hold the rows of the relation with OID $1 and of all that inherit from it, as this
-- snapshot sees them; and how many of the files were replaced by a rewrite after the snapshot was taken.
WITH RECURSIVE tree (oid) AS (
  SELECT $1::pg_catalog.int8::pg_catalog.oid
  UNION
  SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
)
SELECT pg_catalog.md5(pg_catalog.string_agg(c.oid || ':' || c.relfilenode, ',' ORDER BY c.oid)) AS files,
  pg_catalog.count(*) FILTER (
    WHERE c.relfilenode <> COALESCE(pg_catalog.pg_relation_filenode(c.oid), 0::pg_catalog.oid)
  ) AS stale
FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid
