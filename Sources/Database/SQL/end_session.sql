-- Ends the session with process number $1 if it belongs to this role, this database and the program $2.
SELECT pg_catalog.pg_terminate_backend(a.pid)
FROM pg_catalog.pg_stat_activity a
WHERE a.pid = $1::pg_catalog.int4 AND a.application_name = $2 AND a.usename = current_user
  AND a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
