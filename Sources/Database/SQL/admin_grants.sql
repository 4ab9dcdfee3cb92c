-- The functions that only others of them call are nobody else's; the setup grants those beside them.
DO $sluice$
DECLARE
  f pg_catalog.record;
BEGIN
  FOR f IN
    SELECT p.oid::pg_catalog.regprocedure AS name
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
    WHERE n.nspname OPERATOR(pg_catalog.=) {schema_name}
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f.name);
  END LOOP;
END
$sluice$;
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC;
-- Those of other callers stay.
INSERT INTO {schema}.allowed_schema SELECT u FROM pg_catalog.unnest(ARRAY[{allowed}]::pg_catalog.name[]) AS u ON CONFLICT DO NOTHING;
SET LOCAL ROLE NONE;
