-- The range partitions of the table with OID $1 that lie beside the value $2, for which it has none: the last two before it and
-- the first two after it, the nearest first. KEYTYPE stands for the key's type. NULL bounds stand for MINVALUE and MAXVALUE.
WITH sibling AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, b.low, b.high
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  -- `FOR VALUES FROM (value) TO (value)` or `DEFAULT`; OFFSET 0 keeps the server from reading it once for each use.
  CROSS JOIN LATERAL (
    SELECT pg_catalog.substr(pg_catalog.pg_get_expr(c.relpartbound, c.oid), 18) OFFSET 0
  ) AS e (bounds)
  CROSS JOIN LATERAL (
    SELECT pg_catalog.btrim(pg_catalog.split_part(e.bounds, ') TO (', 1), ''''),
      pg_catalog.btrim(pg_catalog.split_part(e.bounds, ') TO (', 2), ''')')
    OFFSET 0
  ) AS t (low, high)
  CROSS JOIN LATERAL (
    SELECT CASE WHEN t.low <> 'MINVALUE' THEN t.low::KEYTYPE END,
      CASE WHEN t.high <> 'MAXVALUE' THEN t.high::KEYTYPE END
    OFFSET 0
  ) AS b (low, high)
  WHERE i.inhparent = $1::pg_catalog.int8::pg_catalog.oid AND e.bounds <> ''
)
SELECT beside.side, beside.oid::pg_catalog.int8 AS oid, beside.nspname::pg_catalog.text AS schema,
  beside.relname::pg_catalog.text AS name, beside.relkind::pg_catalog.text AS kind, beside.low::pg_catalog.text AS low,
  beside.high::pg_catalog.text AS high
FROM (
  (SELECT 'before' AS side, s.* FROM sibling s WHERE s.high <= $2::KEYTYPE ORDER BY s.high DESC LIMIT 2)
  UNION ALL
  (SELECT 'after', s.* FROM sibling s WHERE s.low > $2::KEYTYPE ORDER BY s.low LIMIT 2)
) AS beside
