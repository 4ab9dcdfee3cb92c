-- What the roles $1 may do with the tables of the schemas $2, or with the tables $4 of the schemas $3 (pairs by their place in the list).
SELECT r.rolname::pg_catalog.text AS role, n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name,
  ARRAY(
    SELECT p.name
    FROM pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p (name)
    WHERE pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE') AND pg_catalog.has_table_privilege(r.oid, c.oid, p.name)) AS privileges,
  pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE') AS is_owner
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.rolname = ANY ($1::pg_catalog.text[])
WHERE c.relkind IN ('r', 'p', 'v')
  AND (
    n.nspname = ANY ($2::pg_catalog.text[])
    OR (n.nspname::pg_catalog.text, c.relname::pg_catalog.text) IN (
      SELECT * FROM ROWS FROM (pg_catalog.unnest($3::pg_catalog.text[]), pg_catalog.unnest($4::pg_catalog.text[])) t))
ORDER BY r.rolname, n.nspname, c.relname
