-- One batch: deletes the duplicates $1 of one relation, each because of the row $3 of a relation that stays. Both must be the very versions that
-- were compared ($2, $4), and the one that stays is locked until the commit: it cannot go, nor be changed, at the same time. FOR KEY SHARE would not
-- do: without a unique index the columns are no key to PostgreSQL.
WITH pair AS MATERIALIZED (
  SELECT p.v, p.vx, p.k, p.kx
  FROM ROWS FROM (
    pg_catalog.unnest($1::pg_catalog.tid[]), pg_catalog.unnest($2::pg_catalog.xid[]), pg_catalog.unnest($3::pg_catalog.tid[]),
    pg_catalog.unnest($4::pg_catalog.xid[])) AS p (v, vx, k, kx)
), kept AS MATERIALIZED (
  SELECT p.v, p.vx FROM pair AS p JOIN ONLY /* KEEPER */ AS y ON y.ctid = p.k AND y.xmin = p.kx
  FOR SHARE OF y SKIP LOCKED
), gone AS (
  DELETE FROM ONLY /* LEAF */ AS x USING kept WHERE x.ctid = kept.v AND x.xmin = kept.vx
  RETURNING 1
)
SELECT pg_catalog.count(*) AS gone FROM gone
