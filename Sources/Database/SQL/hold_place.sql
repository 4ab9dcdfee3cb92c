-- Places the hold of the load $1.
INSERT INTO sluice.hold (load, schema_name, table_name, kind, first_value, end_value, keep_until, paused_jobs)
VALUES ($1, $2, $3, $4, $5, $6, $7::pg_catalog.timestamptz, $8::pg_catalog.int4[])
