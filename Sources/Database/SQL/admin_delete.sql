-- Deletes the rows of one day of a plain table, all in one transaction, if every proof that the policy asks for is there.
-- With p_since the table is not locked: only rows that were there when the archive was verified are deleted, and they must be as many
-- as it holds. A row that another session changes meanwhile is a new one, and stays.
CREATE OR REPLACE FUNCTION {schema}.delete_rows(
  p_table regclass, p_day date, p_since xid8 DEFAULT NULL, p_dry_run boolean DEFAULT false, p_note text DEFAULT NULL,
  p_batch int DEFAULT 10000
) RETURNS TABLE (unit text, outcome text, reason text, rows bigint, bytes bigint, detail text)
LANGUAGE plpgsql {entry_settings} AS $sluice$
#variable_conflict use_variable
DECLARE
  t record;
  p {schema}.retention_policy;
  p_now {schema}.retention_policy;
  d record;
  low bigint;
  high bigint;
  root text;
  bounds text;
  old text := 'true';
  archives jsonb;
  failure text;
  changed bigint;
  c tid;
  batch tid[];
  deleted bigint;
  log_schema name;
  log_name name;
  log_start text;
  log_end text;
BEGIN
  {intact}
  p_dry_run := COALESCE(p_dry_run, false);
  unit := p_day::text;
  BEGIN
    SELECT * INTO t FROM {schema}.table_facts(p_table::oid);
    log_schema := t.table_schema;
    log_name := t.table_name;
    IF pg_catalog.current_setting('transaction_isolation') <> 'read committed' THEN
      PERFORM {schema}.verdict('refused', 'isolation', 'late rows are seen in READ COMMITTED only');
    END IF;
    IF p_day IS NULL OR NOT pg_catalog.isfinite(p_day) OR COALESCE(p_batch, 0) < 1 THEN
      PERFORM {schema}.verdict('refused', 'bad_argument', NULL);
    END IF;
    IF t.reason IS NOT NULL THEN PERFORM {schema}.verdict('refused', t.reason, NULL); END IF;
    IF t.kind <> 'plain' THEN PERFORM {schema}.verdict('refused', 'not_a_table', 'chunks and partitions are dropped as a whole'); END IF;
    p := {schema}.policy_of(t.table_schema, t.table_name, t.column_name, false);
    p_now := p;
    -- Rows beside the day are not touched.
    p.whole_days := false;
    SELECT a.* INTO d FROM {schema}.days_over(p_table::oid, t.table_schema, t.table_name, t.column_name, t.column_type, NULL, NULL) a
    WHERE a.day = p_day;
    IF d.day IS NOT NULL THEN
      low := d.low;
      high := d.high;
    ELSIF t.column_type = 1184 THEN
      low := {schema}.time_value((p_day::timestamp AT TIME ZONE p.clock)::text, t.column_type);
      high := {schema}.time_value(((p_day + 1)::timestamp AT TIME ZONE p.clock)::text, t.column_type);
    ELSIF t.column_type IN (1114, 1082) THEN
      low := {schema}.time_value(p_day::text, t.column_type);
      high := {schema}.time_value((p_day + 1)::text, t.column_type);
    ELSE
      PERFORM {schema}.verdict(
        CASE WHEN p.require_archive THEN 'kept' ELSE 'refused' END,
        CASE WHEN p.require_archive THEN 'no_archive' ELSE 'no_time_unit' END, NULL);
    END IF;
    log_start := {schema}.time_text(low, t.column_type);
    log_end := {schema}.time_text(high, t.column_type);
    root := pg_catalog.format('%I.%I', t.table_schema, t.table_name);
    PERFORM {schema}.check_deletable(p_table::oid);
    IF p_since IS NULL AND NOT p_dry_run THEN
      PERFORM {schema}.lock_unit(p_table::oid, '{}', '{}');
    ELSIF NOT p_dry_run THEN
      EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN ROW EXCLUSIVE MODE', root);
    END IF;
    -- The policy and the holds are those of the name.
    IF NOT p_dry_run AND pg_catalog.to_regclass(root) IS DISTINCT FROM p_table THEN
      PERFORM {schema}.verdict('kept', 'locked', 'the table was renamed meanwhile');
    END IF;
    PERFORM {schema}.check_deletable(p_table::oid);
    PERFORM FROM {schema}.check_unit(p_table::oid, t, p, '{}', low, high, false);
    IF p.require_archive AND d.verified_at IS NULL THEN
      PERFORM {schema}.verdict('kept', CASE WHEN d.day IS NULL THEN 'no_archive' ELSE 'not_verified' END, NULL);
    END IF;
    bounds := pg_catalog.format(
      'x.%I >= %s AND x.%I < %s', t.column_name, {schema}.time_literal(low, t.column_type), t.column_name,
      {schema}.time_literal(high, t.column_type));
    EXECUTE pg_catalog.format('SELECT pg_catalog.count(*) FROM ONLY %s AS x WHERE %s', root, bounds) INTO rows;
    IF p.require_archive THEN
      IF rows IS DISTINCT FROM d.rows THEN
        PERFORM {schema}.verdict(
          'kept', CASE WHEN rows > d.rows THEN 'late_rows' ELSE 'fewer_rows' END,
          pg_catalog.format('%s: the table has %s rows, the archive %s', p_day, rows, d.rows));
      END IF;
      archives := pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
        'path', d.archive_path, 'sha256', d.sha256, 'day', p_day, 'rows', rows));
      IF p_since IS NOT NULL THEN
        SELECT w.why INTO failure FROM {schema}.changed_since(p_table::oid, '{}', '{}', p_since) w;
        IF failure IS NOT NULL THEN PERFORM {schema}.verdict('kept', 'changed_rows', failure); END IF;
        old := pg_catalog.format('pg_catalog.age(x.xmin) > pg_catalog.age(%L::pg_catalog.xid)', p_since::xid::text);
        EXECUTE pg_catalog.format('SELECT pg_catalog.count(*) FROM ONLY %s AS x WHERE %s AND NOT (%s)', root, bounds, old)
        INTO changed;
        IF changed > 0 THEN
          PERFORM {schema}.verdict(
            'kept', 'changed_rows',
            pg_catalog.format('%s rows may have been changed since the archive was verified', changed));
        END IF;
      END IF;
    END IF;
    IF p_dry_run THEN
      outcome := 'droppable';
      RETURN NEXT;
      RETURN;
    END IF;
    -- Holds and changes of the policy wait from here on only: not for the count.
    IF {schema}.policy_of(t.table_schema, t.table_name, t.column_name, true) IS DISTINCT FROM p_now THEN
      PERFORM {schema}.verdict('kept', 'locked', 'the policy was changed meanwhile');
    END IF;
    PERFORM FROM {schema}.check_unit(p_table::oid, t, p, '{}', low, high, false);
    IF p.require_archive THEN
      PERFORM {schema}.hold_proofs(
        p_table::oid, t.table_schema, t.table_name,
        pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('day', d.day, 'sha256', d.sha256, 'rows', d.rows)));
    END IF;
    deleted := 0;
    FOR c IN EXECUTE pg_catalog.format('SELECT x.ctid FROM ONLY %s AS x WHERE %s AND %s', root, bounds, old) LOOP
      batch := pg_catalog.array_append(batch, c);
      IF pg_catalog.cardinality(batch) >= p_batch THEN
        deleted := deleted + {schema}.delete_batch(root, bounds, old, batch);
        batch := NULL;
      END IF;
    END LOOP;
    IF batch IS NOT NULL THEN deleted := deleted + {schema}.delete_batch(root, bounds, old, batch); END IF;
    IF p.require_archive AND deleted IS DISTINCT FROM d.rows THEN
      PERFORM {schema}.verdict(
        'kept', 'changed_rows', pg_catalog.format('%s of the rows could be deleted, the archive has %s', deleted, d.rows));
    END IF;
    rows := deleted;
    outcome := 'dropped';
  EXCEPTION
    WHEN SQLSTATE 'SLREF' OR SQLSTATE 'SLKEP' THEN
      outcome := CASE SQLSTATE WHEN 'SLREF' THEN 'refused' ELSE 'kept' END;
      GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    WHEN lock_not_available OR deadlock_detected OR undefined_table THEN
      outcome := 'kept';
      reason := 'locked';
      failure := SQLERRM;
    WHEN OTHERS THEN
      outcome := 'failed';
      reason := SQLSTATE;
      failure := SQLERRM;
  END;
  detail := COALESCE(NULLIF(detail, ''), failure);
  IF NOT p_dry_run THEN
    PERFORM {schema}.write_log(
      'delete_rows', log_schema, log_name, unit, log_start, log_end, rows, bytes,
      CASE outcome WHEN 'dropped' THEN archives END, outcome, reason, detail, p_note);
  END IF;
  RETURN NEXT;
END
$sluice$;

CREATE OR REPLACE FUNCTION {schema}.delete_batch(p_root text, p_where text, p_old text, p_rows tid[]) RETURNS bigint
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  deleted bigint;
BEGIN
  EXECUTE pg_catalog.format('DELETE FROM ONLY %s AS x WHERE x.ctid = ANY ($1) AND %s AND %s', p_root, p_where, p_old) USING p_rows;
  GET DIAGNOSTICS deleted = ROW_COUNT;
  RETURN deleted;
END
$sluice$;

-- What else a DELETE would do: rules and triggers run as the owner, and other tables would be changed or refuse it.
CREATE OR REPLACE FUNCTION {schema}.check_deletable(p_table oid) RETURNS void
LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  PERFORM {schema}.check_references(p_table, '{}');
  IF EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = p_table) THEN
    PERFORM {schema}.verdict('kept', 'referenced', 'the table has rules');
  END IF;
  -- 8: a trigger on DELETE.
  IF EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = p_table AND NOT g.tgisinternal AND g.tgtype & 8 <> 0) THEN
    PERFORM {schema}.verdict('kept', 'referenced', 'the table has triggers on DELETE');
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE p_table IN (i.inhparent, i.inhrelid)) THEN
    PERFORM {schema}.verdict('refused', 'not_a_table', 'the table inherits, or others inherit from it');
  END IF;
END
$sluice$;
