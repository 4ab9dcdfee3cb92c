-- The rights of a role to schedule jobs by pg_cron, and to read and prune the records of their runs. PUBLIC has most of them where
-- nobody has taken them away. `sluice cron check-permissions` tells of the same list.
WITH item (place, kind, schema_name, object_name, privilege, is_there, statement, note) AS (
  SELECT 1, 'database', '', '', 'CONNECT',
    pg_catalog.has_database_privilege(COALESCE(r.oid, 0), d.oid, 'CONNECT'),
    pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I', d.datname, {{role}}), ''
  FROM pg_catalog.pg_database d LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
  WHERE d.datname = pg_catalog.current_database()
  UNION ALL
  SELECT 2, 'schema', 'cron', '', 'USAGE', pg_catalog.has_schema_privilege(COALESCE(r.oid, 0), n.oid, 'USAGE'),
    pg_catalog.format('GRANT USAGE ON SCHEMA cron TO %I', {{role}}),
    CASE WHEN n.oid IS NULL THEN pg_catalog.format(
      'the extension pg_cron is not in the database %I; name the database that has it, which cron.database_name tells, as PG_CRON_DATABASE',
      pg_catalog.current_database()) ELSE '' END
  FROM (VALUES (1)) one
  LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'pg_cron'
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'cron' AND e.oid IS NOT NULL
  LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
  UNION ALL
  SELECT 3, 'function', 'cron', pg_catalog.format('%s(%s)', p.proname, pg_catalog.oidvectortypes(p.proargtypes)), 'EXECUTE',
    pg_catalog.has_function_privilege(COALESCE(r.oid, 0), p.oid, 'EXECUTE'),
    pg_catalog.format('GRANT EXECUTE ON FUNCTION cron.%I(%s) TO %I', p.proname, pg_catalog.oidvectortypes(p.proargtypes), {{role}}), ''
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.nspname = 'cron'
  JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid
  LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
  WHERE e.extname = 'pg_cron' AND (p.proname, pg_catalog.oidvectortypes(p.proargtypes)) IN (
    ('schedule', 'text, text, text'), ('schedule_in_database', 'text, text, text, text, text, boolean'),
    ('alter_job', 'bigint, text, text, text, text, boolean'), ('unschedule', 'bigint'))
  UNION ALL
  SELECT 4, 'relation', 'cron', c.relname::pg_catalog.text, w.privilege,
    pg_catalog.has_table_privilege(COALESCE(r.oid, 0), c.oid, w.privilege),
    pg_catalog.format('GRANT %s ON TABLE cron.%I TO %I', w.privilege, c.relname, {{role}}), ''
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.nspname = 'cron'
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
  JOIN (VALUES ('job', 'SELECT'), ('job_run_details', 'SELECT'), ('job_run_details', 'DELETE')) w (name, privilege) ON w.name = c.relname
  LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
  WHERE e.extname = 'pg_cron'
)
SELECT i.place, i.kind, i.schema_name, i.object_name, i.privilege, '' AS for_role, '' AS owner,
  CASE WHEN i.note <> '' THEN 'conflict' WHEN i.is_there THEN 'present' ELSE 'missing' END AS state, i.statement, i.note
FROM item i
ORDER BY i.place, i.object_name, i.privilege
