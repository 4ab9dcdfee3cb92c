-- What the setup has noted for the role, in the order in which it is taken back, with the statement that does so; NULL where it is
-- gone already. Also the privileges that default privileges of the setup have given to later tables.
WITH known AS (
  -- `grantee` has what is noted; tables and scripts are everybody's. `maker` makes what default privileges are for.
  SELECT i.*, CASE WHEN i.kind IN ('table', 'script') THEN '' WHEN i.kind = 'default' OR i.for_role = '' THEN i.role ELSE i.for_role END AS grantee,
    CASE i.kind WHEN 'default' THEN i.for_role ELSE '' END AS maker
  FROM sluice.setup_item i
),
noted AS (
  SELECT i.*, EXISTS (
      SELECT FROM known o
      WHERE (o.kind, o.schema_name, o.object_name, o.privilege, o.grantee, o.maker)
          = (i.kind, i.schema_name, i.object_name, i.privilege, i.grantee, i.maker)
        AND (o.part, o.role, o.for_role) <> (i.part, i.role, i.for_role)
    ) AS is_shared,
    ARRAY(
      SELECT o.part FROM known o
      WHERE (o.kind, o.schema_name, o.object_name, o.privilege, o.grantee, o.maker)
          = (i.kind, i.schema_name, i.object_name, i.privilege, i.grantee, i.maker)
        AND o.role = i.role AND o.part <> i.part) AS other_parts,
    EXISTS (
      SELECT FROM known o
      WHERE (o.kind, o.schema_name, o.object_name, o.privilege, o.grantee, o.maker)
          = (i.kind, i.schema_name, i.object_name, i.privilege, i.grantee, i.maker)
        AND (o.role <> i.role OR o.part = i.part AND o.for_role <> i.for_role)) AS has_other_role
  FROM known i
  WHERE i.role = {{role}}
),
item AS (
  SELECT n.*, NULL::pg_catalog.text AS later_of FROM noted n
  UNION ALL
  SELECT n.part, n.role, k.kind, n.schema_name, c.relname::pg_catalog.text, n.privilege, '', true, n.role, '', false, '{}', false, n.for_role
  FROM noted n
  JOIN (VALUES ('TABLES', 'relation', 'rpvmf'), ('SEQUENCES', 'sequence', 'S')) k (objects, kind, relkinds) ON k.objects = n.object_name
  JOIN pg_catalog.pg_namespace s ON s.nspname = n.schema_name
  JOIN pg_catalog.pg_roles o ON o.rolname = n.for_role
  JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid AND c.relowner = o.oid
    AND pg_catalog.strpos(k.relkinds, c.relkind::pg_catalog.text) > 0
  WHERE n.kind = 'default' AND n.made AND NOT n.is_shared AND NOT EXISTS (
    SELECT FROM sluice.setup_item i
    WHERE (i.role, i.kind, i.schema_name, i.object_name, i.privilege)
      = (n.role, k.kind, n.schema_name, c.relname::pg_catalog.text, n.privilege))
)
SELECT i.part, i.role, i.kind, i.schema_name, i.object_name, i.privilege, i.for_role, i.made, i.is_shared, i.other_parts,
  i.has_other_role, i.grantee, i.maker, i.later_of,
  CASE i.kind WHEN 'default' THEN 1 WHEN 'relation' THEN 2 WHEN 'sequence' THEN 3 WHEN 'function' THEN 4 WHEN 'table' THEN 5
    WHEN 'schema' THEN 6 WHEN 'database' THEN 7 WHEN 'member' THEN 8 WHEN 'role' THEN 10 ELSE 9 END AS place,
  u.undo
FROM item i
-- `for_role` has what is given to another role than the one of the setup, but for default privileges.
LEFT JOIN pg_catalog.pg_roles me ON me.rolname = CASE WHEN i.kind = 'default' OR i.for_role = '' THEN i.role ELSE i.for_role END
-- The names come from a table; each statement is made only of what the catalog has.
LEFT JOIN LATERAL (
  SELECT pg_catalog.format('DROP ROLE %I', me.rolname) WHERE i.kind = 'role' AND i.object_name = me.rolname
  UNION ALL
  SELECT pg_catalog.format('REVOKE %I FROM %I', g.rolname, me.rolname)
  FROM pg_catalog.pg_roles g JOIN pg_catalog.pg_auth_members m ON m.roleid = g.oid AND m.member = me.oid
  WHERE i.kind = 'member' AND g.rolname = i.object_name
  UNION ALL
  SELECT pg_catalog.format('REVOKE %s ON DATABASE %I FROM %I', a.privilege_type, d.datname, me.rolname)
  FROM pg_catalog.pg_database d CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) a
  WHERE i.kind = 'database' AND d.datname = pg_catalog.current_database() AND a.grantee = me.oid AND a.privilege_type = i.privilege
  UNION ALL
  SELECT pg_catalog.format('REVOKE %s ON SCHEMA %I FROM %I', a.privilege_type, n.nspname, me.rolname)
  FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
  WHERE i.kind = 'schema' AND n.nspname = i.schema_name AND a.grantee = me.oid AND a.privilege_type = i.privilege
  UNION ALL
  SELECT pg_catalog.format(
    'REVOKE %s ON %s %I.%I FROM %I', a.privilege_type, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname,
    me.rolname)
  FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
  WHERE i.kind = CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END AND n.nspname = i.schema_name AND c.relname = i.object_name
    AND a.grantee = me.oid AND a.privilege_type = i.privilege
  UNION ALL
  SELECT pg_catalog.format(
    'REVOKE %s ON ROUTINE %I.%I(%s) FROM %I', a.privilege_type, n.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes), me.rolname)
  FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid
  CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) a
  WHERE i.kind = 'function' AND n.nspname = i.schema_name
    AND i.object_name = pg_catalog.format('%s(%s)', p.proname, pg_catalog.oidvectortypes(p.proargtypes))
    AND a.grantee = me.oid AND a.privilege_type = i.privilege
  UNION ALL
  SELECT pg_catalog.format(
    'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I REVOKE %s ON %s FROM %I', o.rolname, n.nspname, a.privilege_type,
    CASE d.defaclobjtype WHEN 'S' THEN 'SEQUENCES' ELSE 'TABLES' END, me.rolname)
  FROM pg_catalog.pg_default_acl d JOIN pg_catalog.pg_roles o ON o.oid = d.defaclrole
  JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
  CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a
  WHERE i.kind = 'default' AND o.rolname = i.for_role AND n.nspname = i.schema_name
    AND d.defaclobjtype = CASE i.object_name WHEN 'TABLES' THEN 'r' WHEN 'SEQUENCES' THEN 'S' END::pg_catalog."char"
    AND a.grantee = me.oid AND a.privilege_type = i.privilege
  UNION ALL
  SELECT pg_catalog.format('DROP TABLE sluice.%I', c.relname)
  FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
  WHERE i.kind = 'table' AND n.nspname = 'sluice' AND c.relkind = 'r' AND c.relname = i.object_name
    AND c.relname IN ('restore_log', 'hold')
) AS u (undo) ON true
WHERE i.later_of IS NULL OR u.undo IS NOT NULL
