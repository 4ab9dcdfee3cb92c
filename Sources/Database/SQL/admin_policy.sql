-- The ways to change policies and holds. Each checks, logs, and waits for a drop of the table that is under way.
-- What is not named stays as it is, or is at its default; `p_clear` names what is to be without a value again: keep_archives, hold_until.
DROP FUNCTION IF EXISTS {schema}.set_policy(
  regclass, interval, interval, boolean, text, name, interval, boolean, timestamptz, text, boolean, text);
-- What people write goes into the log and the lake's audit chain, whose lines each later write reads.
CREATE OR REPLACE FUNCTION {schema}.check_length(p_name text, p_text text) RETURNS void LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  IF pg_catalog.length(p_text) > 2000 THEN
    RAISE EXCEPTION 'the % has % characters; expected at most 2000', p_name, pg_catalog.length(p_text) USING ERRCODE = '22023';
  END IF;
END
$sluice$;

CREATE OR REPLACE FUNCTION {schema}.set_policy(
  p_table regclass, p_keep interval DEFAULT NULL, p_minimum_age interval DEFAULT NULL, p_require_archive boolean DEFAULT NULL,
  p_clock text DEFAULT NULL, p_time_column name DEFAULT NULL, p_keep_archives interval DEFAULT NULL,
  p_enabled boolean DEFAULT NULL, p_hold_until timestamptz DEFAULT NULL, p_hold_reason text DEFAULT NULL,
  p_whole_days boolean DEFAULT NULL, p_note text DEFAULT NULL, p_clear text[] DEFAULT '{}'
) RETURNS void LANGUAGE plpgsql {entry_settings} AS $sluice$
DECLARE
  t record;
  p {schema}.retention_policy;
  before jsonb;
  unknown text;
  is_new boolean;
BEGIN
  {intact}
  PERFORM {schema}.check_length('note', p_note);
  PERFORM {schema}.check_length('reason', p_hold_reason);
  -- A table that was renamed gets a policy by its new name.
  PERFORM {schema}.rename_holds();
  p_clear := COALESCE(p_clear, '{}');
  SELECT * INTO t FROM {schema}.table_facts(p_table::oid);
  IF t.reason IN ('no_policy', 'no_time_column') AND t.kind = 'plain' AND EXISTS (
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
  SELECT u INTO unknown FROM pg_catalog.unnest(p_clear) u WHERE (u IN ('keep_archives', 'hold_until')) IS NOT TRUE LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'p_clear names %; expected keep_archives or hold_until', COALESCE(unknown, 'NULL') USING ERRCODE = '22023';
  END IF;
  -- One that is made by two sessions at once is made by one, and changed by the other. It has its values below.
  INSERT INTO {schema}.retention_policy (table_schema, table_name, keep) VALUES (t.table_schema, t.table_name, '1000 years')
  ON CONFLICT DO NOTHING;
  is_new := FOUND;
  SELECT r.* INTO p FROM {schema}.retention_policy r
  WHERE r.table_schema = t.table_schema AND r.table_name = t.table_name FOR UPDATE;
  IF is_new THEN p.keep := NULL; ELSE before := pg_catalog.to_jsonb(p); END IF;
  p.time_column := COALESCE(p_time_column, p.time_column, t.column_name);
  p.keep := COALESCE(p_keep, p.keep);
  p.minimum_age := COALESCE(p_minimum_age, p.minimum_age, interval '7 days');
  p.require_archive := COALESCE(p_require_archive, p.require_archive, true);
  p.clock := COALESCE(p_clock, p.clock, 'UTC');
  p.keep_archives := CASE WHEN NOT 'keep_archives' = ANY (p_clear) THEN COALESCE(p_keep_archives, p.keep_archives) END;
  p.enabled := COALESCE(p_enabled, p.enabled, true);
  p.hold_until := CASE WHEN NOT 'hold_until' = ANY (p_clear) THEN COALESCE(p_hold_until, p.hold_until) END;
  p.hold_reason := CASE WHEN NOT 'hold_until' = ANY (p_clear) THEN COALESCE(p_hold_reason, p.hold_reason) END;
  p.whole_days := COALESCE(p_whole_days, p.whole_days, true);
  p.changed_at := pg_catalog.clock_timestamp();
  p.changed_by := session_user;
  IF p.keep IS NULL THEN RAISE EXCEPTION 'keep is missing: the table has no policy yet' USING ERRCODE = '22023'; END IF;
  IF pg_catalog.now() - p.minimum_age >= pg_catalog.now() OR pg_catalog.now() - p.keep > pg_catalog.now() - p.minimum_age THEN
    RAISE EXCEPTION 'keep (%) must not be shorter than the minimum age (%), nor that be zero or negative', p.keep, p.minimum_age
      USING ERRCODE = '22023';
  END IF;
  IF pg_catalog.now() - p.keep_archives >= pg_catalog.now() THEN
    RAISE EXCEPTION 'keep_archives (%) must be longer than nothing', p.keep_archives USING ERRCODE = '22023';
  END IF;
  IF p.clock IS DISTINCT FROM before ->> 'clock'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_timezone_names z WHERE z.name = p.clock)
  THEN
    RAISE EXCEPTION 'the clock (%) is no time zone of the server; expected a name such as Europe/Berlin', p.clock
      USING ERRCODE = '22023';
  END IF;
  IF p.hold_until IS NOT NULL AND pg_catalog.btrim(COALESCE(p.hold_reason, '')) = '' THEN
    RAISE EXCEPTION 'a hold needs a reason' USING ERRCODE = '22023';
  END IF;
  UPDATE {schema}.retention_policy r SET time_column = p.time_column, keep = p.keep, minimum_age = p.minimum_age,
    require_archive = p.require_archive, clock = p.clock, hold_until = p.hold_until, hold_reason = p.hold_reason,
    keep_archives = p.keep_archives, enabled = p.enabled, whole_days = p.whole_days, changed_at = p.changed_at,
    changed_by = p.changed_by
  WHERE r.table_schema = p.table_schema AND r.table_name = p.table_name;
  SELECT * INTO t FROM {schema}.table_facts(p_table::oid);
  IF t.reason IS NOT NULL THEN
    RAISE EXCEPTION 'no policy can be set on %: %', p_table::oid, t.reason USING ERRCODE = '22023';
  END IF;
  PERFORM {schema}.write_log(
    'policy', t.table_schema, t.table_name, NULL, NULL, NULL, NULL, NULL,
    pg_catalog.jsonb_build_object('before', before, 'after', pg_catalog.to_jsonb(p)), 'set', NULL, NULL, p_note);
END
$sluice$;

-- By name: the table may be gone.
CREATE OR REPLACE FUNCTION {schema}.remove_policy(p_schema name, p_table name, p_note text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql {entry_settings} AS $sluice$
DECLARE
  before jsonb;
BEGIN
  {intact}
  PERFORM {schema}.check_length('note', p_note);
  DELETE FROM {schema}.retention_policy r WHERE r.table_schema = p_schema AND r.table_name = p_table
  RETURNING pg_catalog.jsonb_build_object('before', pg_catalog.to_jsonb(r)) INTO before;
  IF NOT FOUND THEN RETURN false; END IF;
  -- While the table has no policy nobody takes down what becomes of its archives.
  DELETE FROM {schema}.archived_day a WHERE a.table_schema = p_schema AND a.table_name = p_table;
  PERFORM {schema}.write_log(
    'policy', p_schema, p_table, NULL, NULL, NULL, NULL, NULL, before, 'removed', NULL, NULL, p_note);
  RETURN true;
END
$sluice$;

CREATE OR REPLACE FUNCTION {schema}.place_hold(
  p_table regclass, p_reason text, p_until timestamptz DEFAULT NULL, p_start timestamptz DEFAULT NULL,
  p_end timestamptz DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql {entry_settings} AS $sluice$
DECLARE
  t record;
  id bigint;
  relations oid[];
BEGIN
  {intact}
  PERFORM {schema}.check_length('reason', p_reason);
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
  -- A drop that is under way ends first; one that begins later sees the hold. Also those of the tables above, and of the parts.
  relations := {schema}.held_with(t.table_schema, t.table_name, NULL);
  PERFORM FROM {schema}.retention_policy r
  WHERE (r.table_schema, r.table_name) IN (
    SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (relations))
  ORDER BY r.table_schema, r.table_name FOR UPDATE;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = p_table) THEN
    RAISE EXCEPTION 'the relation %.% was dropped meanwhile', t.table_schema, t.table_name USING ERRCODE = '42P01';
  END IF;
  INSERT INTO {schema}.hold AS h (table_schema, table_name, table_oid, range_start, range_end, reason, placed_by, until)
  VALUES (t.table_schema, t.table_name, p_table::oid, p_start, p_end, p_reason, session_user, p_until)
  RETURNING h.id INTO id;
  PERFORM {schema}.write_log(
    'hold', t.table_schema, t.table_name, id::text, p_start::text, p_end::text, NULL, NULL, NULL, 'placed', p_reason, NULL,
    CASE WHEN p_until IS NOT NULL THEN pg_catalog.format('until %s', p_until) END);
  RETURN id;
END
$sluice$;

-- False where there is no such hold, or it was released before.
CREATE OR REPLACE FUNCTION {schema}.release_hold(p_id bigint, p_note text) RETURNS boolean
LANGUAGE plpgsql {entry_settings} AS $sluice$
DECLARE
  h record;
BEGIN
  {intact}
  PERFORM {schema}.check_length('note', p_note);
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
