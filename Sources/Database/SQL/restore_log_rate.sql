-- How fast the last loads were, in bytes of gzip per second.
SELECT (pg_catalog.sum(bytes) / NULLIF(pg_catalog.sum(seconds), 0))::pg_catalog.float8 AS rate, pg_catalog.count(*) AS loads
FROM (
  SELECT l.bytes, l.seconds FROM sluice.restore_log l WHERE l.seconds > 0 ORDER BY l.loaded_at DESC LIMIT 20
) AS last
