-- One row for each load, written in the transaction of the load: where the row is, the archive's rows are.
CREATE TABLE IF NOT EXISTS sluice.restore_log (
  load pg_catalog.text NOT NULL PRIMARY KEY,
  key pg_catalog.text,
  target pg_catalog.text NOT NULL,
  archive pg_catalog.text NOT NULL,
  bytes pg_catalog.int8 NOT NULL,
  etag pg_catalog.text NOT NULL,
  sha256 pg_catalog.text NOT NULL,
  rows pg_catalog.int8 NOT NULL,
  xid pg_catalog.text NOT NULL,
  loaded_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now()
)
