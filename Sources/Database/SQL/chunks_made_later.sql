-- Whether all chunks with the OIDs $1 were made after the instant $2.
SELECT COALESCE(pg_catalog.bool_and(k.creation_time > $2::pg_catalog.timestamptz), false) AS later
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN _timescaledb_catalog.chunk k ON k.schema_name = n.nspname AND k.table_name = c.relname
WHERE c.oid = ANY ($1::pg_catalog.oid[])
