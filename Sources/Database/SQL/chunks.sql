-- The chunks of the dimension $1 whose range overlaps [$2, $3); NULL is no bound. The catalog keeps entries of dropped chunks,
-- which have no relation.
SELECT c.schema_name::pg_catalog.text AS schema,
  c.table_name::pg_catalog.text AS name,
  k.oid::pg_catalog.int8 AS oid,
  s.range_start,
  s.range_end,
  c.status,
  (EXTRACT(epoch FROM c.creation_time) * 1000000)::pg_catalog.int8 AS created
FROM _timescaledb_catalog.dimension_slice s
JOIN _timescaledb_catalog.chunk_constraint cc ON cc.dimension_slice_id = s.id
JOIN _timescaledb_catalog.chunk c ON c.id = cc.chunk_id
JOIN pg_catalog.pg_namespace n ON n.nspname = c.schema_name
JOIN pg_catalog.pg_class k ON k.relnamespace = n.oid AND k.relname = c.table_name
WHERE s.dimension_id = $1::pg_catalog.int4
  AND ($3::pg_catalog.int8 IS NULL OR s.range_start < $3::pg_catalog.int8)
  AND ($2::pg_catalog.int8 IS NULL OR s.range_end > $2::pg_catalog.int8)
ORDER BY s.range_start, c.id
