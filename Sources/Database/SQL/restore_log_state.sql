-- What this role may do with sluice.restore_log, for loads into the relation $1.$2.
SELECT log.oid IS NOT NULL AS is_there,
  pg_catalog.quote_ident(owner.rolname) AS owner,
  pg_catalog.quote_ident(database_owner.rolname) AS database_owner,
  -- A mark that is written is stored, stays, and is seen.
  COALESCE(
    log.relkind = 'r' AND log.relpersistence = 'p' AND NOT log.relrowsecurity
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = log.oid)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = log.oid),
    false) AS is_plain,
  -- Triggers, checks and defaults of a table run as the role that writes to it, so its owner must be trusted: this role
  -- itself, an administrator, or the owner of the table that is loaded, whose triggers run anyway. A superuser is a member of
  -- every role, which proves nothing.
  COALESCE(
    (
      log.relowner = me.oid OR owner.rolsuper OR log.relowner = d.datdba
      OR log.relowner = (
        SELECT t.relowner
        FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
        WHERE tn.nspname = $1 AND t.relname = $2
      )
      OR NOT me.rolsuper AND pg_catalog.pg_has_role(me.oid, log.relowner, 'USAGE')),
    false) AS is_trusted,
  COALESCE(
    pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(log.oid, 'SELECT')
    AND pg_catalog.has_table_privilege(log.oid, 'INSERT'), false) AS may_write,
  COALESCE(pg_catalog.has_table_privilege(log.oid, 'UPDATE'), false) AS may_update,
  COALESCE(pg_catalog.pg_has_role(log.relowner, 'USAGE'), false) AS is_owned,
  2 = (
    SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = log.oid AND a.attname IN ('owed', 'seconds') AND NOT a.attisdropped
  ) AS has_owed,
  COALESCE(
    pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(log.oid, 'SELECT')
    AND pg_catalog.has_table_privilege(log.oid, 'DELETE'), false) AS may_delete,
  -- CREATE SCHEMA IF NOT EXISTS needs the right to the database also where the schema is there.
  pg_catalog.has_database_privilege(d.oid, 'CREATE') AND COALESCE(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), true)
    AS may_create
FROM pg_catalog.pg_database d
JOIN pg_catalog.pg_roles me ON me.rolname = current_user
JOIN pg_catalog.pg_roles database_owner ON database_owner.oid = d.datdba
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'sluice'
LEFT JOIN pg_catalog.pg_class log ON log.relnamespace = n.oid AND log.relname = 'restore_log'
LEFT JOIN pg_catalog.pg_roles owner ON owner.oid = log.relowner
WHERE d.datname = pg_catalog.current_database()
