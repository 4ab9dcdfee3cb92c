-- The sessions that hold a lock for which the session of process $1 waits. Without pg_read_all_stats the age of another
-- role's session is NULL.
SELECT b.pid, COALESCE(a.usename::pg_catalog.text, '') AS role, COALESCE(a.application_name, '') AS application,
  EXTRACT(epoch FROM pg_catalog.clock_timestamp() - COALESCE(a.xact_start, a.backend_start))::pg_catalog.int8 AS age
FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1::pg_catalog.int4)) AS b (pid)
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
ORDER BY age DESC NULLS LAST, b.pid
