-- Of each table in {{schemas}} and {{names}}, with a privilege in {{privileges}} (OWNER is to own it, or to inherit the rights of its owner):
-- whether {{role}} has it, and what gives it. UPDATE is wanted on the column in {{columns}}, or on any other.
SELECT w.schema, w.name, w.privilege, c.oid IS NOT NULL AS is_there,
  n.oid IS NOT NULL AND NOT pg_catalog.has_schema_privilege(COALESCE(r.oid, 0), n.oid, 'USAGE') AS lacks_schema,
  pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', w.schema, {{role}}) AS schema_statement,
  CASE w.privilege
    WHEN 'OWNER' THEN pg_catalog.pg_has_role(COALESCE(r.oid, 0), c.relowner, 'USAGE')
    -- The privilege came with PostgreSQL 17; before it, what the owner may do.
    WHEN 'MAINTAIN' THEN pg_catalog.pg_has_role(COALESCE(r.oid, 0), c.relowner, 'USAGE')
      OR v.has_maintain AND pg_catalog.has_table_privilege(
        COALESCE(r.oid, 0), c.oid, CASE WHEN v.has_maintain THEN 'MAINTAIN' ELSE 'SELECT' END)
    WHEN 'UPDATE' THEN pg_catalog.has_any_column_privilege(COALESCE(r.oid, 0), c.oid, 'UPDATE')
    ELSE pg_catalog.has_table_privilege(COALESCE(r.oid, 0), c.oid, w.privilege)
  END AS is_given,
  CASE w.privilege
    WHEN 'MAINTAIN' THEN CASE
      WHEN v.has_maintain THEN pg_catalog.format('GRANT MAINTAIN ON TABLE %I.%I TO %I', w.schema, w.name, {{role}})
      WHEN o.is_mighty IS NOT FALSE THEN '' ELSE pg_catalog.format('GRANT %I TO %I', o.rolname, {{role}}) END
    -- Nobody becomes a superuser, or a maker of roles, for the sake of a table. One that is not there has no owner.
    WHEN 'OWNER' THEN CASE WHEN o.is_mighty IS NOT FALSE THEN '' ELSE pg_catalog.format('GRANT %I TO %I', o.rolname, {{role}}) END
    WHEN 'UPDATE' THEN pg_catalog.format('GRANT UPDATE (%I) ON TABLE %I.%I TO %I', w.column_name, w.schema, w.name, {{role}})
    ELSE pg_catalog.format('GRANT %s ON TABLE %I.%I TO %I', w.privilege, w.schema, w.name, {{role}})
  END AS statement
FROM ROWS FROM (pg_catalog.unnest({{schemas}}), pg_catalog.unnest({{names}}), pg_catalog.unnest({{privileges}}),
  pg_catalog.unnest({{columns}})) WITH ORDINALITY AS w (schema, name, privilege, column_name, place)
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
LEFT JOIN (SELECT a.oid, a.rolname, a.rolsuper OR a.rolcreaterole AS is_mighty FROM pg_catalog.pg_roles a) AS o ON o.oid = c.relowner
CROSS JOIN (SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 170000 AS has_maintain) AS v
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
ORDER BY w.place
