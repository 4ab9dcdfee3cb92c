-- The sessions that hold the advisory lock with the 64-bit key $1 in this database.
SELECT l.pid, COALESCE(a.usename::pg_catalog.text, '') AS role, COALESCE(a.application_name, '') AS application,
  EXTRACT(epoch FROM pg_catalog.clock_timestamp() - COALESCE(a.xact_start, a.backend_start))::pg_catalog.int8 AS age
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
  AND l.classid = (($1::pg_catalog.int8 >> 32) & 4294967295)::pg_catalog.int8::pg_catalog.oid
  AND l.objid = ($1::pg_catalog.int8 & 4294967295)::pg_catalog.oid
