    UNION ALL
    -- The table that holds the compressed rows of a chunk; decompression drops it and leaves the chunk's own file in place.
    SELECT x.oid, false
    FROM pg_catalog.pg_class u
    JOIN pg_catalog.pg_namespace un ON un.oid = u.relnamespace
    JOIN _timescaledb_catalog.chunk k ON k.schema_name = un.nspname AND k.table_name = u.relname
    JOIN _timescaledb_catalog.chunk z ON z.id = k.compressed_chunk_id
    JOIN pg_catalog.pg_namespace xn ON xn.nspname = z.schema_name
    JOIN pg_catalog.pg_class x ON x.relnamespace = xn.oid AND x.relname = z.table_name
    WHERE u.oid = tree.oid
