-- One batch: deletes the rows $1 of one relation which are the very versions that were listed ($2), where the condition still holds.
WITH wanted AS MATERIALIZED (
  SELECT w.v, w.vx FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.tid[]), pg_catalog.unnest($2::pg_catalog.xid[])) AS w (v, vx)
), gone AS (
  DELETE FROM ONLY /* LEAF */ AS x USING wanted WHERE x.ctid = wanted.v AND x.xmin = wanted.vx AND (/* CONDITION */)
  RETURNING 1
)
SELECT pg_catalog.count(*) AS gone FROM gone
