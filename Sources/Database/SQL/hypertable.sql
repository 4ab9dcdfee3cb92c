-- The hypertable with the OID $1: its dimensions, and what this role may do with it. No row for another relation.
SELECT h.id,
  d.id AS dimension_id,
  d.column_name::pg_catalog.text AS dimension_column,
  pg_catalog.format_type(d.column_type, NULL) AS dimension_type,
  d.interval_length AS dimension_interval,
  d.partitioning_func IS NOT NULL AS is_computed,
  pg_catalog.quote_ident(d.integer_now_func_schema) || '.' || pg_catalog.quote_ident(d.integer_now_func) AS integer_now,
  COALESCE(
    (
      SELECT pg_catalog.json_agg(
        pg_catalog.json_build_object('column', s.column_name, 'partitions', s.num_slices) ORDER BY s.id)
      FROM _timescaledb_catalog.dimension s
      WHERE s.hypertable_id = h.id AND s.num_slices IS NOT NULL
    )::pg_catalog.text,
    '[]') AS space,
  -- 1: compression is on; 2: this table holds the compressed rows of another one. Newer versions leave it at 0.
  h.compression_state = 1 OR h.compression_state = 0
    AND EXISTS (SELECT FROM _timescaledb_catalog.compression_settings s WHERE s.relid = c.oid) AS has_compression,
  EXISTS (
    SELECT FROM pg_catalog.pg_attribute t
    WHERE t.attrelid = '_timescaledb_catalog.chunk'::pg_catalog.regclass AND t.attname = 'relid'
  ) AS names_relations,
  EXISTS (SELECT FROM _timescaledb_catalog.continuous_agg a WHERE a.mat_hypertable_id = h.id) AS is_materialization,
  r.rolname::pg_catalog.text AS owner,
  pg_catalog.pg_has_role(c.relowner, 'USAGE') AS is_owner,
  pg_catalog.current_setting('timescaledb.license', true) AS license,
  e.extversion AS version,
  pg_catalog.quote_ident(en.nspname) AS extension_schema
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
JOIN _timescaledb_catalog.hypertable h ON h.schema_name = n.nspname AND h.table_name = c.relname
CROSS JOIN LATERAL (
  SELECT * FROM _timescaledb_catalog.dimension o
  WHERE o.hypertable_id = h.id AND o.num_slices IS NULL ORDER BY o.id LIMIT 1
) AS d
JOIN pg_catalog.pg_extension e ON e.extname = 'timescaledb'
JOIN pg_catalog.pg_namespace en ON en.oid = e.extnamespace
WHERE c.oid = $1::pg_catalog.int8::pg_catalog.oid
