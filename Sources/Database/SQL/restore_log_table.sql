-- One row for each load, written in the transaction of the load: where the row is, the archive's rows are.
CREATE TABLE IF NOT EXISTS sluice.restore_log (
  load pg_catalog.text NOT NULL PRIMARY KEY,
  key pg_catalog.text,
  -- The table-day that was archived; the file's path and layout may change.
  source pg_catalog.text NOT NULL,
  target pg_catalog.text NOT NULL,
  -- A table that is dropped and made again has another OID.
  target_oid pg_catalog.oid NOT NULL,
  archive pg_catalog.text NOT NULL,
  bytes pg_catalog.int8 NOT NULL,
  etag pg_catalog.text NOT NULL,
  sha256 pg_catalog.text NOT NULL,
  rows pg_catalog.int8 NOT NULL,
  loaded_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
  -- The steps after the load's commit that are not done yet; NULL where none is left.
  owed pg_catalog.jsonb,
  -- How long the load took.
  seconds pg_catalog.float8
)
