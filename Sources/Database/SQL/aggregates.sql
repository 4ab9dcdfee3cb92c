-- The continuous aggregates over the hypertable with the number $1, also those over other aggregates; what an aggregate reads
-- comes before it. The catalog shows aggregates over aggregates too, and needs no right on their schema.
WITH RECURSIVE above (id, depth) AS (
  SELECT a.mat_hypertable_id, 1 FROM _timescaledb_catalog.continuous_agg a WHERE a.raw_hypertable_id = $1::pg_catalog.int4
  UNION ALL
  SELECT a.mat_hypertable_id, above.depth + 1
  FROM above JOIN _timescaledb_catalog.continuous_agg a ON a.raw_hypertable_id = above.id
)
SELECT a.user_view_schema::pg_catalog.text AS schema,
  a.user_view_name::pg_catalog.text AS name,
  stored.schema_name::pg_catalog.text AS stored_schema,
  stored.table_name::pg_catalog.text AS stored_table,
  above.depth,
  a.materialized_only,
  read_by.user_view_schema::pg_catalog.text AS source_schema,
  read_by.user_view_name::pg_catalog.text AS source_name,
  d.column_name::pg_catalog.text AS column_name,
  pg_catalog.format_type(d.column_type, NULL) AS type,
  b.bucket_width::pg_catalog.text AS width,
  b.bucket_timezone::pg_catalog.text AS zone,
  b.bucket_fixed_width AS is_fixed,
  COALESCE(pg_catalog.pg_has_role(v.relowner, 'USAGE'), false) AS is_owner,
  COALESCE(r.rolname::pg_catalog.text, '') AS owner,
  -- From version 2.18: the refresh does not ask whether the window was changed.
  EXISTS (
    SELECT FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_extension e ON e.extname = 'timescaledb' AND e.extnamespace = p.pronamespace
    WHERE p.proname = 'refresh_continuous_aggregate' AND 'force' = ANY (p.proargnames)
  ) AS can_force
FROM above
JOIN _timescaledb_catalog.continuous_agg a ON a.mat_hypertable_id = above.id
JOIN _timescaledb_catalog.hypertable stored ON stored.id = above.id
JOIN _timescaledb_catalog.continuous_aggs_bucket_function b ON b.mat_hypertable_id = a.mat_hypertable_id
LEFT JOIN _timescaledb_catalog.continuous_agg read_by ON read_by.mat_hypertable_id = a.raw_hypertable_id
CROSS JOIN LATERAL (
  SELECT * FROM _timescaledb_catalog.dimension o
  WHERE o.hypertable_id = a.mat_hypertable_id AND o.num_slices IS NULL ORDER BY o.id LIMIT 1
) AS d
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = a.user_view_schema
LEFT JOIN pg_catalog.pg_class v ON v.relnamespace = n.oid AND v.relname = a.user_view_name
LEFT JOIN pg_catalog.pg_roles r ON r.oid = v.relowner
ORDER BY above.depth, 1, 2
