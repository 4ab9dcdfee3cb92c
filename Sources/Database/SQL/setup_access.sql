-- The rights of the role that a job needs: on the database, its schemas, their tables and the sequences of those, and on the tables
-- to come. A right that PUBLIC or another role gives is there.
WITH me (oid) AS (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = {{role}}),
-- 0 is PUBLIC. The memberships may be still to come.
holder (oid) AS (
  SELECT me.oid FROM me
  UNION
  SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = ANY ({{grant_roles}})
  UNION
  SELECT 0::pg_catalog.oid
),
schema (name, oid) AS (
  SELECT DISTINCT w.name, n.oid
  FROM pg_catalog.unnest({{schemas}}) w (name) LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.name
),
relation (schema, name, oid, kind, owner, owner_oid) AS (
  SELECT s.name, c.relname::pg_catalog.text, c.oid, c.relkind, o.rolname::pg_catalog.text, o.oid
  FROM schema s
  JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid
  JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
  WHERE c.relkind::pg_catalog.text = ANY ({{relation_kinds}})
    -- Names as the catalog has them: quotes that one side needs not are none of the name.
    AND (pg_catalog.cardinality({{tables}}) = 0 OR EXISTS (
      SELECT FROM pg_catalog.unnest({{tables}}) t (name)
      WHERE pg_catalog.parse_ident(t.name)::pg_catalog.text[] = ARRAY[s.name, c.relname::pg_catalog.text]))
    AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
),
-- The sequences of serial and identity columns, and those that defaults of columns take values from.
sequence (schema, name, oid, owner) AS (
  SELECT DISTINCT n.nspname::pg_catalog.text, q.relname::pg_catalog.text, q.oid, o.rolname::pg_catalog.text
  FROM relation r
  CROSS JOIN LATERAL (
    SELECT d.objid
    FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = r.oid AND d.deptype IN ('a', 'i')
    UNION
    SELECT d.refobjid
    FROM pg_catalog.pg_attrdef f JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
    WHERE f.adrelid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  ) used (oid)
  JOIN pg_catalog.pg_class q ON q.oid = used.oid AND q.relkind = 'S'
  JOIN pg_catalog.pg_namespace n ON n.oid = q.relnamespace
  JOIN pg_catalog.pg_roles o ON o.oid = q.relowner
),
-- The roles that make tables.
maker (schema, name, oid) AS (
  SELECT DISTINCT r.schema, r.owner, r.owner_oid FROM relation r
  WHERE pg_catalog.cardinality({{for_roles}}) = 0 AND r.kind <> 'v'
  UNION
  SELECT s.name, w.name, o.oid
  FROM pg_catalog.unnest({{for_roles}}) w (name) CROSS JOIN schema s LEFT JOIN pg_catalog.pg_roles o ON o.rolname = w.name
),
item (place, kind, schema_name, object_name, privilege, for_role, owner, is_there, statement, conflict) AS (
  SELECT 1, 'database', '', '', p.name, '', '',
    (SELECT pg_catalog.bool_or(pg_catalog.has_database_privilege(h.oid, d.oid, p.name)) FROM holder h),
    pg_catalog.format('GRANT %s ON DATABASE %I TO %I', p.name, d.datname, {{role}}), NULL
  FROM pg_catalog.pg_database d CROSS JOIN pg_catalog.unnest({{database_privileges}}) p (name)
  WHERE d.datname = pg_catalog.current_database()
  UNION ALL
  SELECT 2, 'schema', s.name, '', p.name, '', '',
    s.oid IS NOT NULL AND (SELECT pg_catalog.bool_or(pg_catalog.has_schema_privilege(h.oid, s.oid, p.name)) FROM holder h),
    pg_catalog.format('GRANT %s ON SCHEMA %I TO %I', p.name, s.name, {{role}}),
    CASE WHEN s.oid IS NULL THEN pg_catalog.format('there is no schema %I', s.name) END
  FROM schema s CROSS JOIN pg_catalog.unnest({{schema_privileges}}) p (name)
  UNION ALL
  SELECT 3, 'relation', r.schema, r.name, p.name, '', r.owner,
    (SELECT pg_catalog.bool_or(pg_catalog.has_table_privilege(h.oid, r.oid, p.name)) FROM holder h),
    pg_catalog.format('GRANT %s ON TABLE %I.%I TO %I', p.name, r.schema, r.name, {{role}}), NULL
  FROM relation r CROSS JOIN pg_catalog.unnest({{table_privileges}}) p (name)
  UNION ALL
  SELECT 4, 'sequence', q.schema, q.name, p.name, '', q.owner,
    (SELECT pg_catalog.bool_or(pg_catalog.has_sequence_privilege(h.oid, q.oid, p.name)) FROM holder h),
    pg_catalog.format('GRANT %s ON SEQUENCE %I.%I TO %I', p.name, q.schema, q.name, {{role}}), NULL
  FROM sequence q CROSS JOIN pg_catalog.unnest({{sequence_privileges}}) p (name)
  UNION ALL
  SELECT 5, 'default', m.schema, t.objects, p.name, m.name, '',
    EXISTS (
      SELECT FROM holder h
      WHERE pg_catalog.pg_has_role(h.oid, m.oid, 'USAGE')
        -- The roles that may read or write everything.
        OR EXISTS (
          SELECT FROM pg_catalog.pg_roles a
          WHERE pg_catalog.pg_has_role(h.oid, a.oid, 'USAGE')
            AND (
              a.rolname = 'pg_read_all_data' AND p.name = 'SELECT'
              OR a.rolname = 'pg_write_all_data' AND t.objects = 'TABLES' AND p.name IN ('INSERT', 'UPDATE', 'DELETE')))
        OR EXISTS (
          SELECT FROM pg_catalog.pg_default_acl d
          LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
          CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a
          WHERE d.defaclrole = m.oid AND (d.defaclnamespace = 0 OR n.nspname = m.schema)
            AND d.defaclobjtype = t.type::pg_catalog."char" AND a.privilege_type = p.name
            AND (a.grantee = h.oid OR a.grantee <> 0 AND h.oid <> 0 AND pg_catalog.pg_has_role(h.oid, a.grantee, 'USAGE')))),
    pg_catalog.format(
      'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT %s ON %s TO %I', m.name, m.schema, p.name, t.objects, {{role}}),
    CASE WHEN m.oid IS NULL THEN pg_catalog.format('there is no role %I that could make tables', m.name) END
  FROM maker m
  JOIN schema s ON s.name = m.schema AND s.oid IS NOT NULL
  CROSS JOIN (VALUES ('TABLES', 'r', {{table_privileges}}), ('SEQUENCES', 'S', {{sequence_privileges}})) t (objects, type, privileges)
  CROSS JOIN LATERAL pg_catalog.unnest(t.privileges) p (name)
)
SELECT i.place, i.kind, i.schema_name, i.object_name, i.privilege, i.for_role, i.owner,
  CASE WHEN i.conflict IS NOT NULL THEN 'conflict' WHEN i.is_there THEN 'present' ELSE 'missing' END AS state,
  i.statement, COALESCE(i.conflict, '') AS note
FROM item i
ORDER BY i.place, i.schema_name, i.object_name, i.privilege, i.for_role
