-- One batch: picks at most $3 rows of a stretch of a relation, and deletes them where the condition still holds of them. The condition is
-- evaluated in the DELETE too, and of the newest version of a row that another session has changed meanwhile.
WITH picked AS MATERIALIZED (
  SELECT x.ctid AS id FROM ONLY /* LEAF */ AS x
  WHERE x.ctid > $1::pg_catalog.tid AND x.ctid < $2::pg_catalog.tid AND (/* CONDITION */)
  ORDER BY x.ctid LIMIT $3::pg_catalog.int8
), gone AS (
  DELETE FROM ONLY /* LEAF */ AS x WHERE x.ctid = ANY (ARRAY(SELECT id FROM picked)) AND (/* CONDITION */)
  RETURNING 1
)
SELECT (SELECT pg_catalog.count(*) FROM picked) AS picked,
  (SELECT p.id::pg_catalog.text FROM picked AS p ORDER BY p.id DESC LIMIT 1) AS last,
  (SELECT pg_catalog.count(*) FROM gone) AS gone
