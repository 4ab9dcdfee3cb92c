-- What a role needs beside its rights on pg_cron: to sign in, and to connect to the database of each job.
SELECT 0 AS place, 'login' AS kind, '' AS schema_name, $1 AS object_name, 'LOGIN' AS privilege, '' AS for_role, '' AS owner,
  CASE WHEN r.oid IS NULL THEN 'conflict' WHEN r.rolcanlogin THEN 'present' ELSE 'missing' END AS state,
  pg_catalog.format('ALTER ROLE %I LOGIN', $1) AS statement,
  CASE WHEN r.oid IS NULL THEN pg_catalog.format('there is no role %I', $1) ELSE '' END AS note
FROM (VALUES (1)) one LEFT JOIN pg_catalog.pg_roles r ON r.rolname = $1
UNION ALL
SELECT 1, 'connect', '', w.name, 'CONNECT', '', '',
  CASE WHEN d.oid IS NULL THEN 'conflict'
    WHEN pg_catalog.has_database_privilege(COALESCE(r.oid, 0), d.oid, 'CONNECT') THEN 'present' ELSE 'missing' END,
  pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I', w.name, $1),
  CASE WHEN d.oid IS NULL THEN pg_catalog.format('there is no database %I', w.name) ELSE '' END
FROM pg_catalog.unnest($2::pg_catalog.text[]) w (name)
LEFT JOIN pg_catalog.pg_database d ON d.datname = w.name
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = $1
ORDER BY place, object_name
