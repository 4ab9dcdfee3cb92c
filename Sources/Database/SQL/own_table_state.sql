-- What this role may do with the table $1 of the schema sluice.
SELECT t.oid IS NOT NULL AS is_there,
  pg_catalog.quote_ident(owner.rolname) AS owner,
  pg_catalog.quote_ident(schema_owner.rolname) AS schema_owner,
  pg_catalog.quote_ident(database_owner.rolname) AS database_owner,
  -- What is written is stored, stays, and is seen, and no function of another role runs for it: an owner of former times may have
  -- left one in a check, a default, an index, a type or a policy.
  COALESCE(
    t.relkind = 'r' AND t.relpersistence = 'p' AND NOT t.relrowsecurity
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = t.oid)
    -- A mark must stay; of the other table only the triggers of strangers count.
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_trigger g
      JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid JOIN pg_catalog.pg_roles w ON w.oid = p.proowner
      WHERE g.tgrelid = t.oid
        AND (t.relname = 'restore_log' OR NOT (w.oid = me.oid OR w.oid = d.datdba OR w.rolsuper)))
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE t.oid IN (i.inhparent, i.inhrelid))
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = t.oid AND k.contype = 'c')
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_index x
      WHERE x.indrelid = t.oid AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL))
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
      WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND y.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace)
    -- The catalog does not record that a default uses something that PostgreSQL itself brings.
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_attrdef f JOIN pg_catalog.pg_depend u
        ON u.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND u.objid = f.oid
      WHERE f.adrelid = t.oid AND u.refclassid <> 'pg_catalog.pg_class'::pg_catalog.regclass),
    false) AS is_plain,
  -- The owner of the table can have code run as the role that writes to it, and the owner of the schema can put another table in
  -- its place. So each must be this role itself, the owner of the database or a superuser.
  COALESCE(
    (t.relowner = me.oid OR t.relowner = d.datdba OR owner.rolsuper OR owner.rolname = 'pg_database_owner'), false)
    AND schema_is_trusted AS is_trusted,
  schema_is_trusted,
  COALESCE(
    pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(t.oid, 'SELECT')
    AND pg_catalog.has_table_privilege(t.oid, 'INSERT'), false) AS may_write,
  COALESCE(pg_catalog.has_table_privilege(t.oid, 'UPDATE'), false) AS may_update,
  COALESCE(pg_catalog.pg_has_role(t.relowner, 'USAGE'), false) AS is_owned,
  2 = (
    SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = t.oid AND a.attname IN ('owed', 'seconds') AND NOT a.attisdropped
  ) AS has_owed,
  COALESCE(
    pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(t.oid, 'SELECT')
    AND pg_catalog.has_table_privilege(t.oid, 'DELETE'), false) AS may_delete,
  -- CREATE SCHEMA IF NOT EXISTS needs the right to the database also where the schema is there.
  schema_is_trusted AND pg_catalog.has_database_privilege(d.oid, 'CREATE')
    AND COALESCE(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), true) AS may_create
FROM pg_catalog.pg_database d
JOIN pg_catalog.pg_roles me ON me.rolname = current_user
JOIN pg_catalog.pg_roles database_owner ON database_owner.oid = d.datdba
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'sluice'
LEFT JOIN pg_catalog.pg_roles schema_owner ON schema_owner.oid = n.nspowner
LEFT JOIN pg_catalog.pg_class t ON t.relnamespace = n.oid AND t.relname = $1
LEFT JOIN pg_catalog.pg_roles owner ON owner.oid = t.relowner
CROSS JOIN LATERAL (
  SELECT n.oid IS NULL OR COALESCE(
    n.nspowner = me.oid OR n.nspowner = d.datdba OR schema_owner.rolsuper OR schema_owner.rolname = 'pg_database_owner',
    false) AS schema_is_trusted
) AS trust
WHERE d.datname = pg_catalog.current_database()
