-- The chunks of the hypertable with OID $1 of which ctid tells nothing, since they are compressed, or that take no change, since they are frozen.
SELECT pg_catalog.format('%I.%I', k.schema_name, k.table_name)::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8 AS oid
FROM _timescaledb_catalog.chunk AS k
JOIN _timescaledb_catalog.hypertable AS h ON h.id = k.hypertable_id
WHERE pg_catalog.format('%I.%I', h.schema_name, h.table_name)::pg_catalog.regclass = $1::pg_catalog.int8::pg_catalog.oid::pg_catalog.regclass
  AND NOT k.dropped AND k.status & 5 <> 0
