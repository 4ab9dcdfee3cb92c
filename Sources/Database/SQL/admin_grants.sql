-- The functions that only others of them call are nobody else's; those beside them are granted to the callers.
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
DELETE FROM {schema}.allowed_schema a WHERE a.schema_name <> ALL (ARRAY[{allowed}]::pg_catalog.name[]);
INSERT INTO {schema}.allowed_schema SELECT u FROM pg_catalog.unnest(ARRAY[{allowed}]::pg_catalog.name[]) AS u ON CONFLICT DO NOTHING;
GRANT USAGE ON SCHEMA {schema} TO {caller};
GRANT SELECT ON {schema}.retention_policy, {schema}.hold, {schema}.archived_day, {schema}.chunk_maintenance_log,
  {schema}.allowed_schema TO {caller};
GRANT EXECUTE ON FUNCTION {schema}.drop_unit(regclass, regclass, xid8, boolean, text),
  {schema}.delete_rows(regclass, date, xid8, boolean, text, int), {schema}.drop_chunks_older_than(regclass, interval),
  {schema}.drop_chunks_between(regclass, timestamptz, timestamptz), {schema}.retention_units(regclass),
  {schema}.unaudited(int), {schema}.mark_audited(bigint[]), {schema}.was_used(text) TO {caller};
GRANT EXECUTE ON PROCEDURE {schema}.enforce_retention_all() TO {caller};
{others}
SET LOCAL ROLE NONE;
