-- Locks at most $3 rows of a stretch of a relation that fit, without waiting for those that another session has locked: the next run looks at them.
WITH picked AS MATERIALIZED (
  SELECT x.ctid AS id FROM ONLY /* LEAF */ AS x
  WHERE x.ctid > $1::pg_catalog.tid AND x.ctid < $2::pg_catalog.tid AND (/* CONDITION */)
  ORDER BY x.ctid LIMIT $3::pg_catalog.int8
  FOR UPDATE OF x SKIP LOCKED
)
SELECT pg_catalog.count(*) AS picked, pg_catalog.array_agg(p.id)::pg_catalog.text AS places,
  (SELECT q.id::pg_catalog.text FROM picked AS q ORDER BY q.id DESC LIMIT 1) AS last
FROM picked AS p
