-- The tables of the continuous aggregate with the OID $1: the one that holds its rows, and whether newer rows are computed from the
-- raw ones. No row for another relation.
SELECT m.oid::pg_catalog.int8 AS oid, h.schema_name::pg_catalog.text AS schema, h.table_name::pg_catalog.text AS name,
  NOT a.materialized_only AS is_real_time
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN _timescaledb_catalog.continuous_agg a ON a.user_view_schema = n.nspname AND a.user_view_name = c.relname
JOIN _timescaledb_catalog.hypertable h ON h.id = a.mat_hypertable_id
JOIN pg_catalog.pg_namespace mn ON mn.nspname = h.schema_name
JOIN pg_catalog.pg_class m ON m.relnamespace = mn.oid AND m.relname = h.table_name
WHERE c.oid = $1::pg_catalog.int8::pg_catalog.oid
