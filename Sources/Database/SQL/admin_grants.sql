-- Nobody but the owner has a right by this script; the setup grants them. Default privileges of the owner may have given some of what it has
-- made, and the functions that only others of them call, of which some take SQL, are nobody else's. What was there keeps its other rights.
DO $sluice$
DECLARE
  r pg_catalog.record;
  known pg_catalog.oid[] := pg_catalog.current_setting('sluice.known')::pg_catalog.oid[];
BEGIN
  FOR r IN
    SELECT DISTINCT pg_catalog.format(
      'REVOKE ALL ON %s %s FROM %s CASCADE', o.kind, o.name, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END
    ) AS statement
    FROM (
      SELECT 'SCHEMA' AS kind, n.oid, n.oid::pg_catalog.regnamespace::text AS name, n.nspowner AS owner, n.nspacl AS acl, false AS is_inner
      FROM pg_catalog.pg_namespace n WHERE n.nspname = {schema_name}
      UNION ALL
      SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid, c.oid::pg_catalog.regclass::text, c.relowner, c.relacl, false
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = {schema_name} AND c.relkind IN ('r', 'S')
      UNION ALL
      SELECT 'ROUTINE', p.oid, p.oid::pg_catalog.regprocedure::text, p.proowner,
        COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner)),
        pg_catalog.format('%s(%s)', p.proname, pg_catalog.oidvectortypes(p.proargtypes)) <> ALL (ARRAY[{routines}]::text[])
      FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname = {schema_name}
    ) AS o, pg_catalog.aclexplode(o.acl) a
    WHERE a.grantee <> o.owner AND (a.grantee = 0 OR o.is_inner OR o.oid <> ALL (known))
  LOOP
    EXECUTE r.statement;
  END LOOP;
END
$sluice$;
-- Those of other callers stay.
INSERT INTO {schema}.allowed_schema SELECT u FROM pg_catalog.unnest(ARRAY[{allowed}]::pg_catalog.name[]) AS u ON CONFLICT DO NOTHING;
SET LOCAL ROLE NONE;
