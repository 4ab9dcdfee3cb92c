-- The partitions of the table with OID $1, at every level of range partitioning by its column $2, that overlap the values from
-- $3 to before $4, and the default partitions beside them. KEYTYPE stands for the column's type: the server itself reads and
-- compares the bounds, whose text is its own (pg_get_expr) and has one value each for a key of one column. NULL stands for
-- MINVALUE and MAXVALUE. `lowest` to `highest` are ranks of the values, by which the caller compares them.
WITH RECURSIVE span (low, high) AS (SELECT $3::KEYTYPE, $4::KEYTYPE),
part (oid, parent, level, own_low, own_high, low, high, is_default, descends) AS (
  SELECT $1::pg_catalog.int8::pg_catalog.oid, NULL::pg_catalog.oid, 0, NULL::KEYTYPE, NULL::KEYTYPE, NULL::KEYTYPE,
    NULL::KEYTYPE, false, true
  UNION ALL
  SELECT c.oid, part.oid, part.level + 1, b.low, b.high, GREATEST(part.low, b.low), LEAST(part.high, b.high),
    b.is_default,
    c.relkind = 'p' AND NOT b.is_default AND EXISTS (
      SELECT
      FROM pg_catalog.pg_partitioned_table p
      JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
      WHERE p.partrelid = c.oid AND p.partstrat = 'r' AND p.partnatts = 1 AND a.attname = $2
    )
  FROM part
  CROSS JOIN span
  JOIN pg_catalog.pg_inherits i ON i.inhparent = part.oid
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
  -- `FOR VALUES FROM (value) TO (value)` or `DEFAULT`; OFFSET 0 keeps the server from reading it once for each use. A bound has no
  -- columns: with the OID of the partition pg_get_expr would wait for its lock.
  CROSS JOIN LATERAL (
    SELECT pg_catalog.substr(pg_catalog.pg_get_expr(c.relpartbound, 0), 18) OFFSET 0
  ) AS e (bounds)
  CROSS JOIN LATERAL (
    SELECT pg_catalog.btrim(pg_catalog.split_part(e.bounds, ') TO (', 1), ''''),
      pg_catalog.btrim(pg_catalog.split_part(e.bounds, ') TO (', 2), ''')'), e.bounds = ''
    OFFSET 0
  ) AS t (low, high, is_default)
  CROSS JOIN LATERAL (
    SELECT CASE WHEN NOT t.is_default AND t.low <> 'MINVALUE' THEN t.low::KEYTYPE END,
      CASE WHEN NOT t.is_default AND t.high <> 'MAXVALUE' THEN t.high::KEYTYPE END,
      t.is_default
    OFFSET 0
  ) AS b (low, high, is_default)
  WHERE part.descends AND (b.low < span.high) IS NOT FALSE AND (b.high > span.low) IS NOT FALSE
),
value (v, place) AS (
  SELECT v, pg_catalog.dense_rank() OVER (ORDER BY v)
  FROM (
    SELECT low FROM part UNION SELECT high FROM part UNION SELECT low FROM span UNION SELECT high FROM span
  ) AS bound (v)
  WHERE v IS NOT NULL
)
SELECT part.oid::pg_catalog.int8 AS oid, part.parent::pg_catalog.int8 AS parent, part.level,
  n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name,
  part.own_low::pg_catalog.text AS own_low, part.own_high::pg_catalog.text AS own_high,
  part.low::pg_catalog.text AS low, part.high::pg_catalog.text AS high,
  (SELECT place FROM value WHERE v = part.low) AS lowest,
  (SELECT place FROM value WHERE v = part.high) AS highest,
  (SELECT place FROM value, span WHERE v = span.low) AS span_lowest,
  (SELECT place FROM value, span WHERE v = span.high) AS span_highest,
  part.is_default, part.descends,
  -- Servers before 14 lack inhdetachpending.
  COALESCE(
    (
      SELECT pg_catalog.to_jsonb(i) ->> 'inhdetachpending' = 'true'
      FROM pg_catalog.pg_inherits i WHERE i.inhrelid = part.oid AND i.inhparent = part.parent
    ), false) AS is_detaching,
  -- A partitioned partition whose own partitions are no ranges of the same column counts as one.
  (
    SELECT CASE p.partstrat WHEN 'h' THEN 'hash' WHEN 'l' THEN 'list' ELSE 'range' END
    FROM pg_catalog.pg_partitioned_table p WHERE p.partrelid = part.oid
  ) AS strategy,
  CASE
    WHEN c.relkind = 'f' THEN pg_catalog.format('%I.%I', n.nspname, c.relname)
    WHEN c.relkind = 'p' AND NOT part.descends THEN (
      SELECT pg_catalog.format('%I.%I', fn.nspname, f.relname)
      FROM pg_catalog.pg_partition_tree(part.oid) t
      JOIN pg_catalog.pg_class f ON f.oid = t.relid AND f.relkind = 'f'
      JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
      LIMIT 1)
  END AS foreign_part
FROM part
JOIN pg_catalog.pg_class c ON c.oid = part.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY part.level, part.low NULLS FIRST, c.relname
