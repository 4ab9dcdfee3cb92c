-- The ways to change policies and holds. Each checks, logs, and waits for a drop of the table that is under way.
CREATE OR REPLACE FUNCTION {schema}.set_policy(
  p_table regclass, p_keep interval, p_minimum_age interval DEFAULT '7 days', p_require_archive boolean DEFAULT true,
  p_clock text DEFAULT 'UTC', p_time_column name DEFAULT NULL, p_keep_archives interval DEFAULT NULL,
  p_enabled boolean DEFAULT true, p_hold_until timestamptz DEFAULT NULL, p_hold_reason text DEFAULT NULL,
  p_whole_days boolean DEFAULT NULL, p_note text DEFAULT NULL
) RETURNS void LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  t record;
  before jsonb;
BEGIN
  {intact}
  SELECT * INTO t FROM {schema}.table_facts(p_table::oid);
  IF t.reason IN ('no_policy', 'no_time_column') AND t.kind = 'plain' AND p_time_column IS NOT NULL AND EXISTS (
    SELECT FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = p_table AND a.attname = p_time_column AND a.attnum > 0 AND NOT a.attisdropped
  ) THEN
    t.reason := NULL;
    t.column_name := p_time_column;
  END IF;
  IF t.reason IS NULL AND t.kind <> 'plain' AND p_time_column <> t.column_name THEN t.reason := 'no_time_column'; END IF;
  IF t.reason IS NOT NULL THEN
    RAISE EXCEPTION 'no policy can be set on %: %', p_table::oid, t.reason USING ERRCODE = '22023';
  END IF;
  IF pg_catalog.now() - p_minimum_age >= pg_catalog.now() OR pg_catalog.now() - p_keep > pg_catalog.now() - p_minimum_age THEN
    RAISE EXCEPTION 'keep (%) must not be shorter than the minimum age (%), nor that be zero or negative', p_keep, p_minimum_age
      USING ERRCODE = '22023';
  END IF;
  PERFORM pg_catalog.now() AT TIME ZONE p_clock;
  SELECT pg_catalog.to_jsonb(r) INTO before FROM {schema}.retention_policy r
  WHERE r.table_schema = t.table_schema AND r.table_name = t.table_name FOR UPDATE;
  INSERT INTO {schema}.retention_policy AS r (
    table_schema, table_name, time_column, keep, minimum_age, require_archive, clock, hold_until, hold_reason, keep_archives,
    enabled, whole_days, changed_at, changed_by)
  VALUES (
    t.table_schema, t.table_name, COALESCE(p_time_column, t.column_name), p_keep, p_minimum_age, p_require_archive, p_clock,
    p_hold_until, p_hold_reason, p_keep_archives, p_enabled, COALESCE(p_whole_days, (before ->> 'whole_days')::boolean, true),
    pg_catalog.clock_timestamp(), session_user)
  ON CONFLICT (table_schema, table_name) DO UPDATE SET
    time_column = excluded.time_column, keep = excluded.keep, minimum_age = excluded.minimum_age,
    require_archive = excluded.require_archive, clock = excluded.clock, hold_until = excluded.hold_until,
    hold_reason = excluded.hold_reason, keep_archives = excluded.keep_archives, enabled = excluded.enabled,
    whole_days = excluded.whole_days, changed_at = excluded.changed_at, changed_by = excluded.changed_by;
  SELECT * INTO t FROM {schema}.table_facts(p_table::oid);
  IF t.reason IS NOT NULL THEN
    RAISE EXCEPTION 'no policy can be set on %: %', p_table::oid, t.reason USING ERRCODE = '22023';
  END IF;
  PERFORM {schema}.write_log(
    'policy', t.table_schema, t.table_name, NULL, NULL, NULL, NULL, NULL,
    (SELECT pg_catalog.jsonb_build_object('before', before, 'after', pg_catalog.to_jsonb(r)) FROM {schema}.retention_policy r
     WHERE r.table_schema = t.table_schema AND r.table_name = t.table_name),
    'set', NULL, NULL, p_note);
END
$sluice$;

-- By name: the table may be gone.
CREATE OR REPLACE FUNCTION {schema}.remove_policy(p_schema name, p_table name, p_note text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  before jsonb;
BEGIN
  {intact}
  DELETE FROM {schema}.retention_policy r WHERE r.table_schema = p_schema AND r.table_name = p_table
  RETURNING pg_catalog.jsonb_build_object('before', pg_catalog.to_jsonb(r)) INTO before;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM {schema}.write_log(
    'policy', p_schema, p_table, NULL, NULL, NULL, NULL, NULL, before, 'removed', NULL, NULL, p_note);
  RETURN true;
END
$sluice$;

CREATE OR REPLACE FUNCTION {schema}.place_hold(
  p_table regclass, p_reason text, p_until timestamptz DEFAULT NULL, p_start timestamptz DEFAULT NULL,
  p_end timestamptz DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  t record;
  id bigint;
BEGIN
  {intact}
  SELECT * INTO t FROM {schema}.table_facts(p_table::oid);
  IF t.reason IN ('no_table', 'schema_not_allowed', 'not_a_table', 'not_owner') THEN
    RAISE EXCEPTION 'no hold can be placed on %: %', p_table::oid, t.reason USING ERRCODE = '22023';
  END IF;
  IF pg_catalog.btrim(COALESCE(p_reason, '')) = '' THEN
    RAISE EXCEPTION 'a hold needs a reason' USING ERRCODE = '22023';
  END IF;
  IF p_until <= pg_catalog.clock_timestamp() OR p_start >= p_end THEN
    RAISE EXCEPTION 'a hold must end later than it begins, and later than now' USING ERRCODE = '22023';
  END IF;
  -- A drop that is under way ends first; one that begins later sees the hold.
  PERFORM FROM {schema}.retention_policy r
  WHERE r.table_schema = t.table_schema AND r.table_name = t.table_name FOR UPDATE;
  INSERT INTO {schema}.hold AS h (table_schema, table_name, range_start, range_end, reason, placed_by, until)
  VALUES (t.table_schema, t.table_name, p_start, p_end, p_reason, session_user, p_until)
  RETURNING h.id INTO id;
  PERFORM {schema}.write_log(
    'hold', t.table_schema, t.table_name, id::text, p_start::text, p_end::text, NULL, NULL, NULL, 'placed', p_reason, NULL,
    CASE WHEN p_until IS NOT NULL THEN pg_catalog.format('until %s', p_until) END);
  RETURN id;
END
$sluice$;

-- False where there is no such hold, or it was released before.
CREATE OR REPLACE FUNCTION {schema}.release_hold(p_id bigint, p_note text) RETURNS boolean
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  h record;
BEGIN
  {intact}
  UPDATE {schema}.hold k SET released_at = pg_catalog.clock_timestamp(), released_by = session_user
  WHERE k.id = p_id AND k.released_at IS NULL
  RETURNING k.table_schema, k.table_name, k.range_start, k.range_end, k.reason INTO h;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM {schema}.write_log(
    'release', h.table_schema, h.table_name, p_id::text, h.range_start::text, h.range_end::text, NULL, NULL, NULL, 'released',
    h.reason, NULL, p_note);
  RETURN true;
END
$sluice$;
