-- The bytes of each chunk of $1 before and after it was compressed, as the extension measured them then.
SELECT c.oid::pg_catalog.int8 AS oid,
  s.uncompressed_heap_size + s.uncompressed_toast_size + s.uncompressed_index_size AS before,
  s.compressed_heap_size + s.compressed_toast_size + s.compressed_index_size AS after
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN _timescaledb_catalog.chunk k ON k.schema_name = n.nspname AND k.table_name = c.relname
JOIN _timescaledb_catalog.compression_chunk_size s ON s.chunk_id = k.id
WHERE c.oid = ANY ($1::pg_catalog.oid[])
