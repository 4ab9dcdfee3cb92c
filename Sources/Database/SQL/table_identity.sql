-- A digest of the files that hold the rows of the relation with OID $1 and of all that it is made of, as this snapshot sees
-- them; and how many of the files were replaced by a rewrite after the snapshot was taken. Of a hypertable the chunks $2
-- count, where they are given.
WITH RECURSIVE tree (oid, is_detaching) AS (
  SELECT $1::pg_catalog.int8::pg_catalog.oid, false
  UNION
  SELECT below.oid, below.is_detaching
  FROM tree
  CROSS JOIN LATERAL (
    -- A partition whose detach has begun is hidden from the statements that follow. (Servers before 14 lack inhdetachpending.)
    SELECT i.inhrelid, COALESCE(pg_catalog.to_jsonb(i) ->> 'inhdetachpending' = 'true', false)
    FROM pg_catalog.pg_inherits i
    WHERE i.inhparent = tree.oid AND ($2::pg_catalog.oid[] IS NULL OR i.inhrelid = ANY ($2::pg_catalog.oid[]))
    UNION ALL
    -- What a view reads.
    SELECT d.refobjid, false
    FROM pg_catalog.pg_class v
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = v.oid AND r.ev_type = '1'
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    JOIN pg_catalog.pg_class s ON s.oid = d.refobjid AND s.relkind IN ('r', 'p', 'v', 'm')
    WHERE v.oid = tree.oid AND v.relkind = 'v'
    /* COMPRESSED */
  ) AS below (oid, is_detaching)
)
SELECT pg_catalog.md5(
    pg_catalog.string_agg(c.oid || ':' || c.relfilenode || ':' || tree.is_detaching, ',' ORDER BY c.oid, tree.is_detaching)
  ) AS files,
  pg_catalog.count(*) FILTER (
    WHERE c.relfilenode <> COALESCE(pg_catalog.pg_relation_filenode(c.oid), 0::pg_catalog.oid)
  ) AS stale
FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid
