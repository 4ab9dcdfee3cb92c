-- What a session knows of the pg_cron of its database. Settings that the role may not read are absent from pg_settings.
SELECT pg_catalog.current_database()::pg_catalog.text AS database, r.rolname::pg_catalog.text AS role, r.rolsuper AS is_super,
  pg_catalog.pg_has_role(r.oid, 'pg_read_all_settings', 'USAGE') AS reads_settings,
  e.extversion AS version, pg_catalog.clock_timestamp() AS now,
  pg_catalog.pg_is_in_recovery() AS is_standby,
  COALESCE(
    (SELECT pg_catalog.row_security_active(c.oid)
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'cron' AND c.relname = 'job'), false) AS is_filtered,
  (SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'cron.database_name') AS database_name,
  (SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'cron.timezone') AS timezone,
  (SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'cron.log_run') AS log_run,
  (SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'cron.use_background_workers') AS use_background_workers,
  (SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'cron.max_running_jobs') AS max_running_jobs,
  (SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'cron.host') AS host,
  (SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'shared_preload_libraries') AS shared_preload_libraries,
  pg_catalog.current_setting('max_connections') AS max_connections,
  pg_catalog.current_setting('max_worker_processes') AS max_worker_processes
FROM pg_catalog.pg_roles r LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'pg_cron'
WHERE r.rolname = current_user
