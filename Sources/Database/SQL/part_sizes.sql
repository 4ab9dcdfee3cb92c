-- The bytes of each relation of $1 with its indexes, its TOAST table, its own partitions and its compressed rows.
WITH RECURSIVE tree (root, oid) AS (
  SELECT o, o FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS o
  UNION
  SELECT tree.root, below.oid
  FROM tree
  CROSS JOIN LATERAL (
    SELECT i.inhrelid, false FROM pg_catalog.pg_inherits i WHERE i.inhparent = tree.oid
    /* COMPRESSED */
  ) AS below (oid, is_detaching)
)
SELECT tree.root::pg_catalog.int8 AS oid, pg_catalog.sum(pg_catalog.pg_total_relation_size(tree.oid))::pg_catalog.int8 AS bytes
FROM tree
GROUP BY tree.root
