-- The schema into which drills restore, and the rights of the role in it. Whoever applies it owns it, so that the program, which drops
-- a schema of its own when it is empty, leaves it.
SELECT 1 AS place, 'script' AS kind, {{schema}} AS schema_name, 'drill' AS object_name, '' AS privilege, '' AS for_role, '' AS owner,
  CASE WHEN n.oid IS NULL THEN 'missing' ELSE 'present' END AS state,
  pg_catalog.format('CREATE SCHEMA IF NOT EXISTS %I', {{schema}}) AS statement, '' AS note
FROM (VALUES (1)) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = {{schema}}
UNION ALL
SELECT 2, 'schema', {{schema}}, '', p.name, '', '',
  CASE WHEN pg_catalog.has_schema_privilege(COALESCE(r.oid, 0), n.oid, p.name) THEN 'present' ELSE 'missing' END,
  pg_catalog.format('GRANT %s ON SCHEMA %I TO %I', p.name, {{schema}}, {{role}}), ''
FROM (VALUES ('CREATE'), ('USAGE')) p (name)
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = {{schema}}
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
ORDER BY place, object_name, privilege
