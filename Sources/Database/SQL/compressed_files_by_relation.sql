    UNION ALL
    -- The table that holds the compressed rows of a chunk; decompression drops it and leaves the chunk's own file in place.
    SELECT x.compress_relid::pg_catalog.oid, false
    FROM _timescaledb_catalog.compression_settings x
    WHERE x.relid = tree.oid AND x.compress_relid IS NOT NULL
