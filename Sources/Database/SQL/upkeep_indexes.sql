-- The B-tree indexes of the relation with OID $1, with the bytes that they would have if they were built anew, as far as the planner's statistics
-- tell (NULL where they do not): a tuple has 8 bytes beside its values, and 4 in the page's list; a page 40 bytes beside its tuples.
SELECT i.oid::pg_catalog.int8 AS oid, n.nspname AS schema, i.relname AS name,
  pg_catalog.pg_relation_size(i.oid)::pg_catalog.int8 AS bytes,
  CASE WHEN pg_catalog.count(*) = pg_catalog.count(s.avg_width) AND i.reltuples >= 0 THEN
    pg_catalog.ceil(
      i.reltuples * (12 + 8 * pg_catalog.ceil(pg_catalog.sum(s.avg_width * (1 - s.null_frac)) / 8))
      / (COALESCE((SELECT o.option_value::pg_catalog.float8 FROM pg_catalog.pg_options_to_table(i.reloptions) AS o
          WHERE o.option_name = 'fillfactor'), 90) / 100
        * (pg_catalog.current_setting('block_size')::pg_catalog.float8 - 40))
    ) * pg_catalog.current_setting('block_size')::pg_catalog.float8
  END::pg_catalog.float8 AS tight
FROM pg_catalog.pg_index AS x
JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_am AS m ON m.oid = i.relam AND m.amname = 'btree'
JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.oid AND a.attnum > 0
LEFT JOIN pg_catalog.pg_attribute AS c ON c.attrelid = t.oid AND c.attnum = x.indkey[a.attnum - 1] AND c.attnum <> 0
LEFT JOIN pg_catalog.pg_stats AS s ON s.schemaname = n.nspname AND NOT s.inherited AND (
  s.tablename = t.relname AND s.attname = c.attname OR x.indkey[a.attnum - 1] = 0 AND s.tablename = i.relname AND s.attname = a.attname)
WHERE x.indrelid = $1::pg_catalog.int8::pg_catalog.oid AND x.indisvalid AND x.indisready
GROUP BY i.oid, n.nspname, i.relname, i.reltuples, i.reloptions
ORDER BY i.relname
