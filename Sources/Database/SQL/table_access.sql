-- The kind of the relation $1.$2, and the rights of the role that its locks need.
SELECT c.relkind::pg_catalog.text AS kind,
  u.may_use AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AS may_select,
  u.may_use AND pg_catalog.has_table_privilege(c.oid, 'INSERT') AS may_insert,
  u.may_use AND (pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'))
    AS may_read
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS may_use) u
WHERE n.nspname = $1 AND c.relname = $2
