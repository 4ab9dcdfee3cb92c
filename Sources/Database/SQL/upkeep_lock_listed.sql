-- Locks those of the rows $1 of one relation which are the very versions that were listed ($2), without waiting for others: a statement after this one
-- sees what was committed while the rows were written or locked by somebody else.
WITH locked AS MATERIALIZED (
  SELECT x.ctid AS v, x.xmin AS vx
  FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.tid[]), pg_catalog.unnest($2::pg_catalog.xid[])) AS w (v, vx)
  JOIN ONLY /* LEAF */ AS x ON x.ctid = w.v AND x.xmin = w.vx
  FOR UPDATE OF x SKIP LOCKED
)
SELECT COALESCE(pg_catalog.array_agg(l.v), '{}')::pg_catalog.text AS places, COALESCE(pg_catalog.array_agg(l.vx), '{}')::pg_catalog.text AS writers
FROM locked AS l
