-- Marks this transaction as a load.
INSERT INTO sluice.restore_log (load, key, target, archive, bytes, etag, sha256, rows, xid, loaded_at)
VALUES (
  $1, $2, $3, $4, $5::pg_catalog.int8, $6, $7, $8::pg_catalog.int8,
  pg_catalog.txid_current()::pg_catalog.text, pg_catalog.clock_timestamp())
