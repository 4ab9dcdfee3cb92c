-- The role with which the program signs in, and the roles whose rights it gets.
SELECT 1 AS place, 'role' AS kind, '' AS schema_name, {{role}}::pg_catalog.text AS object_name, '' AS privilege, '' AS for_role,
  ''::pg_catalog.text AS owner,
  CASE WHEN r.oid IS NULL THEN 'missing' WHEN NOT r.rolcanlogin THEN 'different' ELSE 'present' END AS state,
  CASE
    WHEN r.oid IS NOT NULL THEN pg_catalog.format('ALTER ROLE %I LOGIN', r.rolname)
    WHEN {{is_principal}} AND {{has_object_id}} AND f.with_oid THEN pg_catalog.format(
      'SELECT pg_catalog.pgaadauth_create_principal_with_oid(%L, %L, %L, false, false)', {{role}}, {{object_id}}, {{type}})
    WHEN {{is_principal}} AND NOT {{has_object_id}} AND f.by_name THEN pg_catalog.format(
      'SELECT pg_catalog.pgaadauth_create_principal(%L, false, false)', {{role}})
    ELSE pg_catalog.format('CREATE ROLE %I LOGIN', {{role}}) || {{password}}
  END AS statement,
  CASE
    WHEN r.oid IS NULL AND {{is_principal}} AND NOT (f.with_oid OR f.by_name)
    THEN 'the database has no function pgaadauth_create_principal: a plain role is made, without a password'
    WHEN r.rolsuper THEN 'the role is a superuser: it may do everything'
    ELSE ''
  END AS note
FROM (
  SELECT
    COALESCE(pg_catalog.bool_or(
      p.proname = 'pgaadauth_create_principal' AND pg_catalog.oidvectortypes(p.proargtypes) = 'text, boolean, boolean'), false) AS by_name,
    COALESCE(pg_catalog.bool_or(
      p.proname = 'pgaadauth_create_principal_with_oid'
      AND pg_catalog.oidvectortypes(p.proargtypes) = 'text, text, text, boolean, boolean'), false) AS with_oid
  FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.proname LIKE 'pgaadauth\_create\_principal%'
) f
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
UNION ALL
SELECT 2, 'member', '', w.name, '', '', '',
  CASE WHEN g.oid IS NULL THEN 'conflict' WHEN pg_catalog.pg_has_role(r.oid, g.oid, 'USAGE') THEN 'present' ELSE 'missing' END,
  pg_catalog.format('GRANT %I TO %I', w.name, {{role}}),
  CASE WHEN g.oid IS NULL THEN pg_catalog.format('there is no role %I that could be granted', w.name) ELSE '' END
FROM pg_catalog.unnest({{grant_roles}}) w (name)
LEFT JOIN pg_catalog.pg_roles g ON g.rolname = w.name
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
ORDER BY place, object_name
