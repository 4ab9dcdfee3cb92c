-- What others do on the server: replicas' lag in seconds (NULL where none lags), and sessions that run a statement. Both are seen by members of
-- pg_read_all_stats alone.
SELECT
  (SELECT pg_catalog.max(EXTRACT(epoch FROM r.replay_lag)) FROM pg_catalog.pg_stat_replication AS r)::pg_catalog.float8 AS lag,
  (
    SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity AS a
    WHERE a.state = 'active' AND a.backend_type = 'client backend' AND a.pid <> pg_catalog.pg_backend_pid()
  ) AS active,
  pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS is_visible
