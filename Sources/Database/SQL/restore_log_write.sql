-- Marks this transaction as a load.
INSERT INTO sluice.restore_log (
  load, key, source, target, target_oid, archive, bytes, etag, sha256, rows, loaded_at
)
VALUES (
  $1, $2, $3, $4, $5::pg_catalog.int8::pg_catalog.oid, $6, $7::pg_catalog.int8, $8, $9, $10::pg_catalog.int8,
  pg_catalog.clock_timestamp())
