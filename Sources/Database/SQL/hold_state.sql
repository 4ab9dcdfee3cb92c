-- What this role may do with sluice.hold. Its owner must be trusted as that of sluice.restore_log.
SELECT h.oid IS NOT NULL AS is_there,
  pg_catalog.has_database_privilege(d.oid, 'CREATE') AND COALESCE(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), true)
    AS may_create,
  COALESCE(h.relowner = me.oid OR o.rolsuper OR h.relowner = d.datdba
    OR NOT me.rolsuper AND pg_catalog.pg_has_role(me.oid, h.relowner, 'USAGE'), false) AS is_trusted,
  COALESCE(
    pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(h.oid, 'SELECT')
    AND pg_catalog.has_table_privilege(h.oid, 'INSERT') AND pg_catalog.has_table_privilege(h.oid, 'UPDATE'), false) AS may_write
FROM pg_catalog.pg_database d
JOIN pg_catalog.pg_roles me ON me.rolname = current_user
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'sluice'
LEFT JOIN pg_catalog.pg_class h ON h.relnamespace = n.oid AND h.relname = 'hold' AND h.relkind = 'r'
LEFT JOIN pg_catalog.pg_roles o ON o.oid = h.relowner
WHERE d.datname = pg_catalog.current_database()
