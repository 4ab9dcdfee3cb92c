-- The marks of loads of the table-day $2 into the table $3.$4 by the request with the key $1, the last one first.
SELECT load, bytes, etag, sha256, rows,
  pg_catalog.to_char(loaded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS loaded_at
FROM sluice.restore_log
WHERE key = $1 AND source = $2 AND target_oid = (
  SELECT c.oid
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $3 AND c.relname = $4
)
ORDER BY sluice.restore_log.loaded_at DESC
