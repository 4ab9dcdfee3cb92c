-- What the server tells of itself and of the role {{role}}, in this database. What the session may not read is NULL.
WITH r AS (SELECT * FROM pg_catalog.pg_roles WHERE rolname = {{role}}),
-- The settings that the role gets at sign-in to this database: those of the role here, of the role, of the database, of all roles.
given (place, setting) AS (
  SELECT CASE WHEN s.setrole <> 0 AND s.setdatabase <> 0 THEN 1 WHEN s.setrole <> 0 THEN 2 WHEN s.setdatabase <> 0 THEN 3 ELSE 4 END,
    pg_catalog.unnest(s.setconfig)
  FROM pg_catalog.pg_db_role_setting s
  WHERE (s.setrole = 0 OR s.setrole = (SELECT oid FROM r))
    AND (s.setdatabase = 0 OR s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
),
own (name, value) AS (
  SELECT DISTINCT ON (pg_catalog.split_part(g.setting, '=', 1))
    pg_catalog.split_part(g.setting, '=', 1), pg_catalog.substr(g.setting, pg_catalog.strpos(g.setting, '=') + 1)
  FROM given g ORDER BY pg_catalog.split_part(g.setting, '=', 1), g.place
),
-- Without the settings of this session, which the program has made itself.
effective (name, value) AS (
  SELECT s.name, COALESCE(own.value, s.reset_val)
  FROM pg_catalog.pg_settings s LEFT JOIN own ON own.name = s.name
  WHERE s.name = ANY (ARRAY[
    'default_transaction_read_only', 'statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout',
    'idle_session_timeout', 'session_replication_role', 'timescaledb.license', 'timescaledb.restoring', 'timescaledb.enable_optimizations',
    'timescaledb.max_tuples_decompressed_per_dml_transaction'])
)
SELECT pg_catalog.current_setting('server_version') AS version, pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version_number,
  EXTRACT(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8 AS clock,
  pg_catalog.current_database()::pg_catalog.text AS database, CURRENT_USER::pg_catalog.text AS session_role,
  pg_catalog.pg_is_in_recovery() AS is_standby,
  COALESCE((SELECT rolcanlogin FROM r), false) AS may_login, (SELECT count(*) > 0 FROM r) AS has_role,
  COALESCE((SELECT rolsuper FROM r), false) AS is_superuser,
  (SELECT rolvaliduntil < pg_catalog.clock_timestamp() FROM r) AS is_expired,
  (SELECT NULLIF(rolconnlimit, -1) FROM r) AS role_limit,
  (SELECT NULLIF(datconnlimit, -1) FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) AS database_limit,
  (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.usename = {{role}})::pg_catalog.int4 AS role_used,
  (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datname = pg_catalog.current_database())::pg_catalog.int4 AS database_used,
  (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.backend_type = 'client backend')::pg_catalog.int4 AS used,
  pg_catalog.current_setting('max_connections')::pg_catalog.int4 AS maximum,
  pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int4
    + COALESCE(pg_catalog.current_setting('reserved_connections', true)::pg_catalog.int4, 0) AS reserved,
  (SELECT t.version FROM pg_catalog.pg_stat_ssl t WHERE t.pid = pg_catalog.pg_backend_pid() AND t.ssl) AS tls,
  (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'timescaledb') AS timescaledb,
  pg_catalog.current_setting('timescaledb.license', true) AS license,
  COALESCE((SELECT pg_catalog.json_object_agg(name, value)::pg_catalog.text FROM effective), '{}') AS settings,
  -- A role without pg_monitor sees the rows, not their values.
  (SELECT count(*) FROM pg_catalog.pg_stat_replication p)::pg_catalog.int4 AS replicas,
  (SELECT count(*) FROM pg_catalog.pg_stat_replication p WHERE p.state IS NULL)::pg_catalog.int4 AS hidden_replicas,
  -- One that has replayed all and gets nothing new has no lag either. A base backup replays nothing.
  (SELECT count(*) FROM pg_catalog.pg_stat_replication p
    WHERE p.state <> 'backup' AND p.replay_lag IS NULL AND p.replay_lsn IS DISTINCT FROM
      CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END
  )::pg_catalog.int4 AS unknown_lags,
  (SELECT EXTRACT(epoch FROM max(p.replay_lag))::pg_catalog.float8 FROM pg_catalog.pg_stat_replication p) AS replay_lag,
  -- Replication slots keep the WAL that their reader has not taken.
  (SELECT count(*) FROM pg_catalog.pg_replication_slots s WHERE NOT s.active)::pg_catalog.int4 AS idle_slots,
  (SELECT max(CASE WHEN NOT pg_catalog.pg_is_in_recovery()
      THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn) END)::pg_catalog.int8
    FROM pg_catalog.pg_replication_slots s WHERE NOT s.active) AS slot_bytes
