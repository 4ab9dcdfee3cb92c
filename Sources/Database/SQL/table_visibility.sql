-- Of each table in {{schemas}} and {{names}}: whether it is there, and whether row-level security hides rows from {{role}}.
SELECT w.schema, w.name, c.oid IS NOT NULL AS is_there,
  COALESCE(
    c.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls
      AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE')), false) AS hides_rows
FROM ROWS FROM (pg_catalog.unnest({{schemas}}), pg_catalog.unnest({{names}})) WITH ORDINALITY AS w (schema, name, place)
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
ORDER BY w.place
