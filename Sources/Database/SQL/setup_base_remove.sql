-- Removes the setup's notes, and the schema where the setup has made it and nothing is left in it, once no part is applied.
DO {{tag}}
DECLARE
  was_made pg_catalog.bool;
BEGIN
  IF EXISTS (SELECT FROM sluice.schema_version) THEN RETURN; END IF;
  was_made := EXISTS (SELECT FROM sluice.setup_item i WHERE i.kind = 'own schema' AND i.made);
  DROP TABLE sluice.schema_version, sluice.setup_item;
  IF was_made AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_namespace n ON n.oid = d.refobjid
    WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND n.nspname = 'sluice')
  THEN
    DROP SCHEMA sluice;
  END IF;
END {{tag}}
