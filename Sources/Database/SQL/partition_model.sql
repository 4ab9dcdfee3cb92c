-- How the partition with OID $1 is stored, so that another is made like it: clauses of CREATE TABLE, its owner, and the
-- statements that give others the same rights, with %1$s in the place of the table's name.
SELECT CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END AS persistence,
  (
    SELECT pg_catalog.format('USING %I', am.amname) FROM pg_catalog.pg_am am WHERE am.oid = c.relam
  ) AS method,
  (
    SELECT pg_catalog.format(
      'WITH (%s)',
      pg_catalog.string_agg(
        pg_catalog.format(
          '%I = %L', pg_catalog.split_part(option, '=', 1),
          pg_catalog.substr(option, pg_catalog.strpos(option, '=') + 1)), ', '))
    FROM pg_catalog.unnest(c.reloptions) AS option
    HAVING pg_catalog.count(*) > 0
  ) AS options,
  -- The database's own tablespace is 0 in the catalog; naming it keeps default_tablespace out.
  (
    SELECT pg_catalog.format('TABLESPACE %I', s.spcname)
    FROM pg_catalog.pg_tablespace s
    WHERE s.oid = COALESCE(
      NULLIF(c.reltablespace, 0),
      (SELECT d.dattablespace FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
  ) AS tablespace,
  c.relreplident = 'f' AS has_full_identity,
  pg_catalog.quote_ident(owner.rolname) AS owner,
  owner.rolname = current_user AS is_own,
  pg_catalog.has_schema_privilege(c.relnamespace, 'CREATE') AS may_create,
  COALESCE(
    (
      SELECT pg_catalog.json_agg(
        pg_catalog.format('GRANT %s ON TABLE ', acl.privilege_type) || '%s TO '
          || CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(acl.grantee)) END
          || CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
      FROM pg_catalog.aclexplode(c.relacl) AS acl
      WHERE acl.grantee <> c.relowner
    )::pg_catalog.text, '[]') AS grants
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_roles owner ON owner.oid = c.relowner
WHERE c.oid = $1::pg_catalog.int8::pg_catalog.oid
