-- The rights of the role to schedule jobs by pg_cron. Schedule and unschedule are PUBLIC's.
SELECT 1 AS place, 'schema' AS kind, 'cron' AS schema_name, '' AS object_name, 'USAGE' AS privilege, '' AS for_role, '' AS owner,
  CASE
    WHEN n.oid IS NULL THEN 'conflict'
    WHEN pg_catalog.has_schema_privilege(COALESCE(r.oid, 0), n.oid, 'USAGE') THEN 'present'
    ELSE 'missing'
  END AS state,
  pg_catalog.format('GRANT USAGE ON SCHEMA cron TO %I', {{role}}) AS statement,
  CASE WHEN n.oid IS NULL THEN pg_catalog.format(
    'the extension pg_cron is not in the database %I; name the database that has it, which cron.database_name tells, as PG_DATABASE',
    pg_catalog.current_database()) ELSE '' END AS note
FROM (VALUES (1)) one
LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'pg_cron'
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'cron' AND e.oid IS NOT NULL
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
UNION ALL
SELECT 2, 'function', 'cron', pg_catalog.format('%s(%s)', p.proname, pg_catalog.oidvectortypes(p.proargtypes)), 'EXECUTE', '', '',
  CASE WHEN pg_catalog.has_function_privilege(COALESCE(r.oid, 0), p.oid, 'EXECUTE') THEN 'present' ELSE 'missing' END,
  pg_catalog.format(
    'GRANT EXECUTE ON FUNCTION cron.%I(%s) TO %I', p.proname, pg_catalog.oidvectortypes(p.proargtypes), {{role}}),
  ''
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_namespace n ON n.nspname = 'cron'
JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
WHERE e.extname = 'pg_cron' AND (p.proname, pg_catalog.oidvectortypes(p.proargtypes)) IN (
  ('schedule_in_database', 'text, text, text, text, text, boolean'), ('alter_job', 'bigint, text, text, text, text, boolean'))
ORDER BY place, object_name
