-- Keeps what is known of the archive of one day.
INSERT INTO /* SCHEMA */.archived_day AS a (
  table_schema, table_name, day, time_column, span_start, span_end, rows, rows_hash, sha256, archive_path, verified_at, snapshot_xmin,
  table_oid)
VALUES ($1, $2, $3::pg_catalog.date, $4, $5, $6, $7::pg_catalog.int8, $8, $9, $10, $11::pg_catalog.timestamptz, $12::pg_catalog.xid8,
  $13::pg_catalog.int8::pg_catalog.oid)
ON CONFLICT (table_schema, table_name, day) DO UPDATE SET
  time_column = excluded.time_column, span_start = excluded.span_start, span_end = excluded.span_end, rows = excluded.rows,
  rows_hash = excluded.rows_hash, sha256 = excluded.sha256, archive_path = excluded.archive_path,
  -- Of the same archive the older knowledge stays, where the newer one has none.
  verified_at = CASE
    WHEN excluded.verified_at IS NULL AND a.sha256 = excluded.sha256 
      AND (excluded.table_oid IS NULL OR excluded.table_oid = a.table_oid) THEN a.verified_at
    ELSE excluded.verified_at
  END,
  snapshot_xmin = CASE
    WHEN excluded.snapshot_xmin IS NULL AND a.sha256 = excluded.sha256 AND a.rows_hash = excluded.rows_hash
      AND (excluded.table_oid IS NULL OR excluded.table_oid = a.table_oid) THEN a.snapshot_xmin
    ELSE excluded.snapshot_xmin
  END,
  table_oid = CASE
    WHEN excluded.table_oid IS NULL AND a.sha256 = excluded.sha256 THEN a.table_oid ELSE excluded.table_oid
  END
