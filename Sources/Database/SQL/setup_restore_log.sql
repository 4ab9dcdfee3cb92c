-- The tables in which restores leave their marks and holds, and the rights of the role to them.
WITH own (place, name, definition, addition, privileges, is_there, is_plain, is_trusted, schema_is_trusted, is_complete, database_owner) AS (
  SELECT 1, 'restore_log', {{restore_log}}, 'ADD COLUMN IF NOT EXISTS owed pg_catalog.jsonb, ADD COLUMN IF NOT EXISTS seconds pg_catalog.float8',
    ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
    s.is_there, s.is_plain, s.is_trusted, s.schema_is_trusted, s.is_complete, s.database_owner
  FROM ({{restore_log_state}}) s
  UNION ALL
  SELECT 2, 'hold', {{hold}}, 'ADD COLUMN IF NOT EXISTS table_oid pg_catalog.oid', ARRAY['SELECT', 'INSERT', 'UPDATE'],
    s.is_there, s.is_plain, s.is_trusted, s.schema_is_trusted, s.is_complete, s.database_owner
  FROM ({{hold_state}}) s
)
SELECT own.place, 'table' AS kind, 'sluice' AS schema_name, own.name AS object_name, '' AS privilege, '' AS for_role, '' AS owner,
  CASE
    WHEN NOT own.schema_is_trusted OR own.is_there AND NOT (own.is_trusted AND own.is_plain) THEN 'conflict'
    WHEN NOT own.is_there THEN 'missing'
    WHEN NOT own.is_complete THEN 'different'
    ELSE 'present'
  END AS state,
  CASE
    WHEN own.is_there THEN pg_catalog.format('ALTER TABLE sluice.%I %s', own.name, own.addition)
    ELSE pg_catalog.format('%s; ALTER TABLE sluice.%I OWNER TO %s', own.definition, own.name, own.database_owner)
  END AS statement,
  CASE
    WHEN NOT own.schema_is_trusted THEN pg_catalog.format(
      'the schema sluice belongs to a role that is neither %I nor the owner of the database nor a superuser, and could put code into its '
      'tables; ALTER SCHEMA sluice OWNER TO %s', {{role}}, own.database_owner)
    WHEN own.is_there AND NOT (own.is_trusted AND own.is_plain) THEN pg_catalog.format(
      'the program does not use sluice.%1$I, which belongs to another role, or has triggers, defaults or columns of others; rename it: '
      'ALTER TABLE sluice.%1$I RENAME TO %2$I', own.name, own.name || '_old')
    ELSE ''
  END AS note
FROM own
UNION ALL
SELECT 3, 'schema', 'sluice', '', 'USAGE', '', '',
  CASE WHEN pg_catalog.has_schema_privilege(COALESCE(r.oid, 0), n.oid, 'USAGE') THEN 'present' ELSE 'missing' END,
  pg_catalog.format('GRANT USAGE ON SCHEMA sluice TO %I', {{role}}), ''
FROM (VALUES (1)) one
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'sluice'
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
UNION ALL
SELECT 4, 'relation', 'sluice', own.name, p.name, '', '',
  CASE WHEN pg_catalog.has_table_privilege(COALESCE(r.oid, 0), c.oid, p.name) THEN 'present' ELSE 'missing' END,
  pg_catalog.format('GRANT %s ON TABLE sluice.%I TO %I', p.name, own.name, {{role}}), ''
FROM own
CROSS JOIN LATERAL pg_catalog.unnest(own.privileges) p (name)
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'sluice'
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = own.name
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
ORDER BY place, object_name, privilege
