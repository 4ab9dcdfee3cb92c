-- Waits for a lock without being seen to wait. A session that holds a lock on a chunk and waits for its table, which is locked here,
-- is then never the victim of a deadlock: no cycle comes about, and this side gives up first.
CREATE OR REPLACE FUNCTION {schema}.lock_by_asking(p_relation oid, p_mode text) RETURNS void
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  deadline timestamptz := pg_catalog.clock_timestamp() + interval '2 s';
  relation text;
BEGIN
  LOOP
    relation := {schema}.present_name(p_relation);
    BEGIN
      EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN %s MODE NOWAIT', relation, p_mode);
      EXIT;
    EXCEPTION WHEN lock_not_available THEN
      IF pg_catalog.clock_timestamp() > deadline THEN
        PERFORM {schema}.verdict('kept', 'locked', pg_catalog.format('another session uses %s', relation));
      END IF;
    END;
    PERFORM pg_catalog.pg_sleep(0.02);
  END LOOP;
  IF pg_catalog.to_regclass(relation) IS DISTINCT FROM p_relation::regclass THEN
    PERFORM {schema}.verdict('kept', 'locked', 'the relation was renamed meanwhile');
  END IF;
END
$sluice$;

-- The locks under which the unit is counted, in the order in which an INSERT takes them: the table, or the partitioned tables from the
-- uppermost on, then the unit and what holds its rows. Readers go on.
CREATE OR REPLACE FUNCTION {schema}.lock_unit(p_table oid, p_parts oid[], p_heaps oid[]) RETURNS void
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  roots oid[];
  r oid;
BEGIN
  SELECT pg_catalog.array_agg(a.relid::oid ORDER BY a.n DESC) INTO roots
  FROM pg_catalog.pg_partition_ancestors(p_table) WITH ORDINALITY AS a (relid, n);
  roots := COALESCE(roots, ARRAY[p_table]);
  FOREACH r IN ARRAY roots LOOP
    EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', {schema}.present_name(r));
    IF pg_catalog.to_regclass({schema}.relation_name(r)) IS DISTINCT FROM r::regclass THEN
      PERFORM {schema}.verdict('kept', 'locked', 'the table was renamed meanwhile');
    END IF;
  END LOOP;
  FOR r IN SELECT DISTINCT u FROM pg_catalog.unnest(p_parts OPERATOR(pg_catalog.||) p_heaps) u ORDER BY u LOOP
    PERFORM {schema}.lock_by_asking(r, 'SHARE ROW EXCLUSIVE');
  END LOOP;
END
$sluice$;

-- Drops exactly the chunks p_parts. A function of the extension's schema is called only where nobody but trusted roles can make one beside it
-- that fits the call better; elsewhere each chunk is dropped as a table.
CREATE OR REPLACE FUNCTION {schema}.drop_chunks_exactly(
  p_table oid, p_parts oid[], p_type oid, p_low bigint, p_high bigint
) RETURNS void LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  extension name;
  names text[];
  dropped text[];
  part text;
BEGIN
  SELECT pg_catalog.array_agg({schema}.relation_name(r) ORDER BY {schema}.relation_name(r)) INTO names
  FROM pg_catalog.unnest(p_parts) r;
  SELECT n.nspname INTO extension
  FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = 'timescaledb'
    AND NOT EXISTS (
      SELECT FROM pg_catalog.aclexplode(COALESCE(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
      LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
      WHERE a.privilege_type = 'CREATE' AND r.rolsuper IS NOT TRUE AND a.grantee NOT IN (e.extowner, n.nspowner))
    AND {schema}.is_trusted(n.nspowner, e.extowner)
    AND ARRAY['e'] = ARRAY(
      SELECT COALESCE(d.deptype::text, '')
      FROM pg_catalog.pg_proc p
      LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid
        AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
      WHERE p.pronamespace = n.oid AND p.proname = 'drop_chunks')
    AND pg_catalog.has_schema_privilege(current_user, n.oid, 'USAGE');
  IF extension IS NOT NULL AND p_low IS NOT NULL AND p_high IS NOT NULL THEN
    EXECUTE pg_catalog.format(
      'SELECT pg_catalog.array_agg(c::pg_catalog.text ORDER BY c::pg_catalog.text) FROM %I.drop_chunks($1, older_than => %s, newer_than => %s) AS c',
      extension, {schema}.time_literal(p_high, p_type), {schema}.time_literal(p_low, p_type))
    INTO dropped USING p_table::regclass;
    IF dropped IS DISTINCT FROM names THEN
      RAISE EXCEPTION 'drop_chunks dropped % instead of %', COALESCE(dropped, '{}'), names USING ERRCODE = 'XX000';
    END IF;
  ELSE
    FOREACH part IN ARRAY names LOOP
      EXECUTE pg_catalog.format('DROP TABLE %s', part);
    END LOOP;
  END IF;
END
$sluice$;

CREATE OR REPLACE FUNCTION {schema}.drop_checked(
  p_table oid, p_unit oid, p_since xid8, p_dry_run boolean, p_note text, p_ignore_keep boolean
) RETURNS TABLE (unit text, outcome text, reason text, rows bigint, bytes bigint, detail text)
LANGUAGE plpgsql {settings} AS $sluice$
#variable_conflict use_variable
DECLARE
  t record;
  u record;
  p {schema}.retention_policy;
  p_now {schema}.retention_policy;
  changes record;
  days jsonb;
  days_now jsonb;
  begun xid8;
  tuples bigint[];
  heaps oid[];
  archives jsonb;
  source text;
  bounds text := 'true';
  root text;
  failure text;
  has_rows boolean;
  r oid;
  log_schema name;
  log_name name;
  log_action text := 'drop_chunk';
  log_start text;
  log_end text;
BEGIN
  unit := COALESCE({schema}.relation_name(p_unit), p_unit::text);
  BEGIN
    SELECT * INTO t FROM {schema}.table_facts(p_table);
    log_schema := t.table_schema;
    log_name := t.table_name;
    IF t.kind = 'partitioned' THEN log_action := 'drop_partition'; END IF;
    IF pg_catalog.current_setting('transaction_isolation') <> 'read committed' THEN
      PERFORM {schema}.verdict('refused', 'isolation', 'late rows are seen in READ COMMITTED only');
    END IF;
    IF t.reason IS NOT NULL THEN PERFORM {schema}.verdict('refused', t.reason, NULL); END IF;
    IF t.kind = 'plain' THEN PERFORM {schema}.verdict('refused', 'not_a_unit', 'the rows of a plain table are deleted by day'); END IF;
    SELECT * INTO u FROM {schema}.unit_facts(p_table, p_unit, t.kind, t.column_type, t.hypertable);
    IF u.reason IS NOT NULL THEN PERFORM {schema}.verdict('refused', u.reason, NULL); END IF;
    bytes := u.bytes;
    log_start := {schema}.time_text(u.low, t.column_type);
    log_end := {schema}.time_text(u.high, t.column_type);
    p := {schema}.policy_of(t.table_schema, t.table_name, t.column_name, false);
    IF p.require_archive AND u.is_compressed AND pg_catalog.current_setting('timescaledb.license', true) = 'apache' THEN
      PERFORM {schema}.verdict('refused', 'chunk_not_readable', 'the Apache edition reads compressed chunks as empty');
    END IF;
    SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(d)) INTO days
    FROM {schema}.check_unit(p_table, t, p, u.parts, u.low, u.high, p_ignore_keep) d;
    root := {schema}.relation_name(p_table);
    source := root;
    IF t.kind = 'hypertable' THEN
      IF u.low IS NOT NULL THEN
        bounds := pg_catalog.format('x.%I >= %s', t.column_name, {schema}.time_literal(u.low, t.column_type));
      END IF;
      IF u.high IS NOT NULL THEN
        bounds := pg_catalog.format('%s AND x.%I < %s', bounds, t.column_name, {schema}.time_literal(u.high, t.column_type));
      END IF;
    ELSE
      source := unit;
    END IF;
    IF p.require_archive THEN
      -- Beside writers. What they change from here on is told by its xmin.
      begun := pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot());
      SELECT c.total, c.archives, c.tuples INTO rows, archives, tuples
      FROM {schema}.check_counts(t, root, source, bounds, u.low, u.high, days, u.heaps, p_since) c;
    END IF;
    IF NOT p_dry_run THEN
      PERFORM {schema}.lock_unit(p_table, u.parts, u.heaps);
      -- The policy and the holds are those of the name.
      IF {schema}.relation_name(p_table) IS DISTINCT FROM pg_catalog.format('%I.%I', t.table_schema, t.table_name) THEN
        PERFORM {schema}.verdict('kept', 'locked', 'the table was renamed meanwhile');
      END IF;
    END IF;
    -- Once more: what was looked at before the locks may have been changed meanwhile.
    heaps := u.heaps;
    SELECT * INTO u FROM {schema}.unit_facts(p_table, p_unit, t.kind, t.column_type, t.hypertable);
    IF u.reason IS NOT NULL THEN PERFORM {schema}.verdict('kept', 'locked', 'the unit was changed meanwhile'); END IF;
    -- Holds and changes of the policy wait from here on only: not for the count.
    IF NOT p_dry_run THEN
      p_now := {schema}.policy_of(t.table_schema, t.table_name, t.column_name, true);
      IF p_now IS DISTINCT FROM p THEN PERFORM {schema}.verdict('kept', 'locked', 'the policy was changed meanwhile'); END IF;
    END IF;
    days_now := (
      SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(d))
      FROM {schema}.check_unit(p_table, t, p, u.parts, u.low, u.high, p_ignore_keep) d);
    IF p.require_archive AND NOT p_dry_run THEN PERFORM {schema}.hold_proofs(p_table, t.table_schema, t.table_name, days_now); END IF;
    IF p.require_archive THEN
      PERFORM {schema}.check_hidden(u.sealed);
      SELECT * INTO changes FROM {schema}.changed_since(p_table, u.parts, u.heaps, COALESCE(p_since, begun));
      -- All tuples are from before the count, and as many as then: they are the same. Else, and where rows beside the unit
      -- count too, the rows are counted under the lock.
      IF changes.why IS NOT NULL OR changes.tuples IS DISTINCT FROM tuples OR heaps IS DISTINCT FROM u.heaps
        OR days_now IS DISTINCT FROM days
        OR EXISTS (SELECT FROM pg_catalog.jsonb_array_elements(days) j WHERE (j ->> 'is_cut')::boolean)
      THEN
        SELECT c.total, c.archives INTO rows, archives
        FROM {schema}.check_counts(t, root, source, bounds, u.low, u.high, days_now, '{}', p_since) c;
      END IF;
      IF p_since IS NOT NULL AND changes.why IS NOT NULL THEN
        PERFORM {schema}.verdict('kept', 'changed_rows', changes.why);
      END IF;
    ELSIF NOT (u.is_compressed AND COALESCE(pg_catalog.current_setting('timescaledb.license', true), '') = 'apache') THEN
      EXECUTE pg_catalog.format('SELECT pg_catalog.count(*) FROM %s AS x WHERE %s', source, bounds) INTO rows;
    END IF;
    IF p_dry_run THEN
      outcome := 'droppable';
      RETURN NEXT;
      RETURN;
    END IF;
    IF t.kind = 'hypertable' THEN
      FOR r IN SELECT DISTINCT h FROM pg_catalog.unnest(u.parts OPERATOR(pg_catalog.||) u.heaps) h ORDER BY h LOOP
        PERFORM {schema}.lock_by_asking(r, 'ACCESS EXCLUSIVE');
      END LOOP;
      PERFORM {schema}.drop_chunks_exactly(p_table, u.parts, t.column_type, u.low, u.high);
      EXECUTE pg_catalog.format('SELECT EXISTS (SELECT FROM %s AS x WHERE %s)', root, bounds) INTO has_rows;
      IF has_rows THEN RAISE EXCEPTION 'rows of the range remain' USING ERRCODE = 'XX000'; END IF;
    ELSE
      PERFORM {schema}.lock_by_asking(p_table, 'ACCESS EXCLUSIVE');
      PERFORM {schema}.lock_by_asking(p_unit, 'ACCESS EXCLUSIVE');
      EXECUTE pg_catalog.format('ALTER TABLE %s DETACH PARTITION %s', root, unit);
      EXECUTE pg_catalog.format('DROP TABLE %s', unit);
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = ANY (u.parts) OR c.oid = ANY (u.heaps)) THEN
      RAISE EXCEPTION 'the unit is still there' USING ERRCODE = 'XX000';
    END IF;
    outcome := 'dropped';
  EXCEPTION
    WHEN SQLSTATE 'SLREF' OR SQLSTATE 'SLKEP' THEN
      outcome := CASE SQLSTATE WHEN 'SLREF' THEN 'refused' ELSE 'kept' END;
      GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    -- A relation that another session drops meanwhile is undefined by then.
    WHEN lock_not_available OR deadlock_detected OR undefined_table THEN
      outcome := 'kept';
      reason := 'locked';
      failure := SQLERRM;
    WHEN dependent_objects_still_exist THEN
      outcome := 'kept';
      reason := 'referenced';
      failure := SQLERRM;
    WHEN OTHERS THEN
      outcome := 'failed';
      reason := SQLSTATE;
      failure := SQLERRM;
  END;
  detail := COALESCE(NULLIF(detail, ''), failure);
  IF NOT p_dry_run THEN
    PERFORM {schema}.write_log(
      log_action, log_schema, log_name, unit, log_start, log_end, rows, bytes,
      CASE outcome WHEN 'dropped' THEN archives END, outcome, reason, detail, p_note);
  END IF;
  RETURN NEXT;
END
$sluice$;

-- With p_lock nothing of the policy is changed until the transaction that drops has ended; place_hold waits for it.
CREATE OR REPLACE FUNCTION {schema}.policy_of(p_schema name, p_name name, p_column name, p_lock boolean)
RETURNS {schema}.retention_policy LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  p {schema}.retention_policy;
BEGIN
  IF p_lock THEN
    SELECT * INTO p FROM {schema}.retention_policy r WHERE r.table_schema = p_schema AND r.table_name = p_name FOR SHARE;
  ELSE
    SELECT * INTO p FROM {schema}.retention_policy r WHERE r.table_schema = p_schema AND r.table_name = p_name;
  END IF;
  IF NOT FOUND OR NOT p.enabled THEN
    PERFORM {schema}.verdict('refused', 'no_policy', 'the table has no retention policy that is enabled');
  END IF;
  IF p.time_column IS NOT NULL AND p.time_column <> p_column THEN
    PERFORM {schema}.verdict(
      'refused', 'no_time_column', pg_catalog.format('the policy is on %I, the table is divided by %I', p.time_column, p_column));
  END IF;
  RETURN p;
END
$sluice$;

CREATE OR REPLACE FUNCTION {schema}.write_log(
  p_action text, p_schema name, p_name name, p_unit text, p_start text, p_end text, p_rows bigint, p_bytes bigint,
  p_archives jsonb, p_outcome text, p_reason text, p_error text, p_note text
) RETURNS void LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  INSERT INTO {schema}.chunk_maintenance_log (
    action, table_schema, table_name, unit, range_start, range_end, rows, bytes, archives, outcome, reason, error, note)
  VALUES (
    p_action, p_schema, p_name, p_unit, p_start, p_end, p_rows, p_bytes, p_archives, p_outcome,
    pg_catalog.left(p_reason, 2000), pg_catalog.left(NULLIF(p_error, ''), 2000), pg_catalog.left(p_note, 2000));
END
$sluice$;

-- Drops one chunk, or one partition, if every proof that the policy asks for is there.
CREATE OR REPLACE FUNCTION {schema}.drop_unit(
  p_table regclass, p_unit regclass, p_since xid8 DEFAULT NULL, p_dry_run boolean DEFAULT false, p_note text DEFAULT NULL
) RETURNS TABLE (unit text, outcome text, reason text, rows bigint, bytes bigint, detail text)
LANGUAGE plpgsql {entry_settings} AS $sluice$
#variable_conflict use_column
BEGIN
  {intact}
  RETURN QUERY SELECT * FROM {schema}.drop_checked(
    p_table::oid, p_unit::oid, p_since, COALESCE(p_dry_run, false), p_note, false);
END
$sluice$;
