-- The columns of the primary key of the relation with OID $1, and of each of its indexes in order, for what can be found by an index.
SELECT x.indisprimary AS is_primary,
  ARRAY(
    SELECT a.attname::pg_catalog.text FROM pg_catalog.unnest(x.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k (number, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = k.number
    WHERE k.place <= x.indnkeyatts ORDER BY k.place) AS columns
FROM pg_catalog.pg_index AS x
WHERE x.indrelid = $1::pg_catalog.int8::pg_catalog.oid AND x.indisvalid AND x.indpred IS NULL AND x.indexprs IS NULL
ORDER BY x.indisprimary DESC, x.indexrelid
