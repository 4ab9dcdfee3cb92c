-- What the role $2, or this role where $2 is NULL, may do with the table $1 of the schema sluice. A role that is not made yet may do nothing.
SELECT t.oid IS NOT NULL AS is_there,
  pg_catalog.quote_ident(owner.rolname) AS owner,
  pg_catalog.quote_ident(schema_owner.rolname) AS schema_owner,
  pg_catalog.quote_ident(database_owner.rolname) AS database_owner,
  -- What is written is stored, stays, and is seen, and no function of another role runs for it: an owner of former times may have
  -- left one in a trigger, a check, a default, an index, a type or a policy.
  COALESCE(
    t.relkind = 'r' AND t.relpersistence = 'p' AND NOT t.relrowsecurity
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = t.oid)
    -- Also a trigger whose function is trusted: the expression of its WHEN runs as this role.
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = t.oid AND NOT g.tgisinternal)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE t.oid IN (i.inhparent, i.inhrelid))
    -- 'n', NOT NULL, is there from PostgreSQL 18 on. A foreign key removes rows, here or in the table that refers to this one.
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_constraint k
      WHERE k.conrelid = t.oid AND k.contype NOT IN ('p', 'u', 'n') OR k.confrelid = t.oid)
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_index x
      WHERE x.indrelid = t.oid AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL))
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
      LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
      WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND NOT (
          y.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND a.attidentity = '' AND a.attgenerated = ''
          AND CASE t.relname
            WHEN 'restore_log' THEN a.attname IN (
              'load', 'key', 'source', 'target', 'target_oid', 'archive', 'bytes', 'etag', 'sha256', 'rows', 'loaded_at', 'owed',
              'seconds')
            WHEN 'schema_version' THEN a.attname IN (
              'part', 'role', 'version', 'applied_at', 'applied_by', 'program_version')
            WHEN 'setup_item' THEN a.attname IN (
              'part', 'role', 'kind', 'schema_name', 'object_name', 'privilege', 'for_role', 'made')
            ELSE a.attname IN (
              'load', 'schema_name', 'table_name', 'kind', 'first_value', 'end_value', 'keep_until', 'paused_jobs', 'placed_at',
              'ended_at', 'table_oid')
            END
          -- The defaults that the program itself writes. A name of pg_catalog is shown without the schema where the search path has it.
          AND (
            f.oid IS NULL
            OR (a.attname, pg_catalog.regexp_replace(pg_catalog.pg_get_expr(f.adbin, f.adrelid), '^pg_catalog\.', '')) IN (
              ('loaded_at', 'now()'), ('placed_at', 'clock_timestamp()'), ('paused_jobs', '''{}''::integer[]')))))
    -- A function of that name in another schema would be shown alike. The catalog does not record what PostgreSQL itself brings.
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
    pg_catalog.has_schema_privilege(me.oid, n.oid, 'USAGE') AND pg_catalog.has_table_privilege(me.oid, t.oid, 'SELECT')
    AND pg_catalog.has_table_privilege(me.oid, t.oid, 'INSERT'), false) AS may_write,
  COALESCE(pg_catalog.has_table_privilege(me.oid, t.oid, 'UPDATE'), false) AS may_update,
  COALESCE(pg_catalog.pg_has_role(me.oid, t.relowner, 'USAGE'), false) AS is_owned,
  -- The columns that earlier versions made the tables without.
  CASE $1 WHEN 'hold' THEN 1 ELSE 2 END = (
    SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = t.oid AND a.attname IN ('owed', 'seconds', 'table_oid') AND NOT a.attisdropped
  ) AS is_complete,
  COALESCE(
    pg_catalog.has_schema_privilege(me.oid, n.oid, 'USAGE') AND pg_catalog.has_table_privilege(me.oid, t.oid, 'SELECT')
    AND pg_catalog.has_table_privilege(me.oid, t.oid, 'DELETE'), false) AS may_delete,
  schema_is_trusted AND COALESCE(
    pg_catalog.has_schema_privilege(me.oid, n.oid, 'USAGE') AND pg_catalog.has_schema_privilege(me.oid, n.oid, 'CREATE'),
    pg_catalog.has_database_privilege(me.oid, d.oid, 'CREATE'), false) AS may_create
FROM pg_catalog.pg_database d
LEFT JOIN pg_catalog.pg_roles me ON me.rolname = COALESCE($2::pg_catalog.name, current_user)
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
