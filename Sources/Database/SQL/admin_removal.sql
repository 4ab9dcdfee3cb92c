-- Takes back the schema of the retention, in the order of what depends on what; anything else in it keeps it from going.
SET LOCAL search_path = pg_catalog, pg_temp;
DO $sluice$
DECLARE
  o pg_catalog.record;
  has_rows boolean;
  owner name;
BEGIN
  SELECT pg_catalog.pg_get_userbyid(n.nspowner) INTO owner FROM pg_catalog.pg_namespace n WHERE n.nspname = {schema_name};
  IF NOT FOUND THEN RETURN; END IF;
  IF owner <> {expected_owner} THEN
    RAISE EXCEPTION 'the schema % belongs to another role than %', {schema_name}, {expected_owner} USING ERRCODE = '42501';
  END IF;
  EXECUTE pg_catalog.format('SET LOCAL ROLE %I', owner);
  FOR o IN
    SELECT c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = {schema_name} AND c.relkind = 'r' AND c.relname IN (
      'retention_policy', 'hold', 'archived_day', 'chunk_maintenance_log')
  LOOP
    EXECUTE pg_catalog.format('SELECT EXISTS (SELECT FROM %I.%I)', {schema_name}, o.name) INTO has_rows;
    IF has_rows AND NOT {force} THEN
      RAISE EXCEPTION 'the table %.% has rows', {schema_name}, o.name USING ERRCODE = '55000';
    END IF;
  END LOOP;
  FOR o IN
    SELECT p.oid::pg_catalog.regprocedure AS name
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = {schema_name} AND p.proname IN (
      'verdict', 'time_value', 'time_text', 'time_literal', 'time_instant', 'relation_name', 'present_name', 'table_facts', 'is_trusted',
      'chunks_of', 'unit_facts', 'check_unit', 'hold_proofs', 'days_over', 'check_holds', 'check_restored', 'check_references', 'check_aggregates', 'count_days',
      'check_counts', 'check_hidden', 'compared_since', 'changed_since', 'lock_by_asking', 'lock_unit', 'drop_chunks_exactly', 'drop_checked', 'policy_of',
      'write_log', 'drop_unit', 'delete_rows', 'delete_batch', 'check_deletable', 'drop_range', 'drop_chunks_older_than',
      'drop_chunks_between', 'units_of', 'check_length', 'set_policy', 'remove_policy', 'place_hold', 'release_hold', 'retention_units',
      'enforce_retention_all', 'unaudited', 'mark_audited', 'was_used', 'held_with', 'rename_holds', 'holds_on', 'hold_over',
      'restored_hold', 'held', 'day_first', 'day_last')
  LOOP
    EXECUTE pg_catalog.format('DROP ROUTINE %s', o.name);
  END LOOP;
  EXECUTE pg_catalog.format(
    'DROP TABLE IF EXISTS %1$I.allowed_schema, %1$I.retention_policy, %1$I.hold, %1$I.archived_day, '
      '%1$I.chunk_maintenance_log, %1$I.cluster', {schema_name});
  EXECUTE pg_catalog.format('DROP SCHEMA %I', {schema_name});
  SET LOCAL ROLE NONE;
END
$sluice$;
