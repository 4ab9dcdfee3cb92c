-- The spans of tables that must not be dropped yet, with the jobs of TimescaleDB that are paused meanwhile.
CREATE TABLE IF NOT EXISTS sluice.hold (
  -- The load that asked for it.
  load pg_catalog.text NOT NULL PRIMARY KEY,
  schema_name pg_catalog.text NOT NULL,
  table_name pg_catalog.text NOT NULL,
  -- The kind of the time column, and its values: the first, and the first one after the span.
  kind pg_catalog.text NOT NULL,
  first_value pg_catalog.text NOT NULL,
  end_value pg_catalog.text NOT NULL,
  keep_until pg_catalog.timestamptz NOT NULL,
  paused_jobs pg_catalog.int4[] NOT NULL DEFAULT '{}',
  placed_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  ended_at pg_catalog.timestamptz,
  -- The table may be renamed. NULL in rows of versions before 0.10.
  table_oid pg_catalog.oid
)
