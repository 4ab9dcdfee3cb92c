-- The marks of loads of the archive $3 into the table $2 by the request with the key $1, the last one first.
SELECT bytes, etag, sha256, rows,
  pg_catalog.to_char(loaded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS loaded_at
FROM sluice.restore_log
WHERE key = $1 AND target = $2 AND archive = $3
ORDER BY sluice.restore_log.loaded_at DESC
