-- What holds of a unit without its lock: holds, age, references, aggregates, and the archives of its days. Ends in a verdict, or
-- returns the archives that cover the unit, in the order of their spans.
CREATE OR REPLACE FUNCTION {schema}.check_unit(
  p_table oid, t record, p {schema}.retention_policy, p_parts oid[], p_low bigint, p_high bigint, p_ignore_keep boolean
) RETURNS TABLE (day date, low bigint, high bigint, rows bigint, sha256 text, path text, is_cut boolean)
LANGUAGE plpgsql {settings} AS $sluice$
#variable_conflict use_column
DECLARE
  d record;
  covered bigint;
  first_instant timestamptz;
  last_instant timestamptz;
BEGIN
  first_instant := {schema}.time_instant(p_low, t.column_type, p.clock);
  last_instant := {schema}.time_instant(p_high, t.column_type, p.clock);
  IF t.column_type IN (20, 23) THEN
    -- An integer tells no instant by itself; the days of its archives do.
    SELECT pg_catalog.min(a.day)::timestamp AT TIME ZONE p.clock, (pg_catalog.max(a.day) + 1)::timestamp AT TIME ZONE p.clock
    INTO first_instant, last_instant
    FROM {schema}.days_over(t.table_schema, t.table_name, t.column_name, t.column_type, p_low, p_high) a;
  END IF;
  PERFORM {schema}.check_holds(t.table_schema, t.table_name, p, first_instant, last_instant);
  PERFORM {schema}.check_restored(p_table, t, p_low, p_high);
  IF last_instant IS NULL AND t.column_type IN (20, 23) THEN
    PERFORM {schema}.verdict(
      CASE WHEN p.require_archive THEN 'kept' ELSE 'refused' END,
      CASE WHEN p.require_archive THEN 'no_archive' ELSE 'no_time_unit' END,
      'no archive tells which time the values of the integer column are');
  END IF;
  IF last_instant IS NULL OR last_instant > pg_catalog.now() - p.minimum_age
    OR NOT p_ignore_keep AND last_instant > pg_catalog.now() - p.keep
  THEN
    PERFORM {schema}.verdict(
      'kept', 'too_young',
      pg_catalog.format('its last value is before %s, and the policy keeps %s', COALESCE(last_instant::text, 'infinity'),
        CASE WHEN p_ignore_keep THEN p.minimum_age ELSE p.keep END));
  END IF;
  PERFORM {schema}.check_references(p_table, p_parts);
  IF t.hypertable IS NOT NULL THEN PERFORM {schema}.check_aggregates(t, p_low, p_high); END IF;
  IF NOT p.require_archive THEN RETURN; END IF;
  IF p_low IS NULL THEN PERFORM {schema}.verdict('kept', 'no_archive', 'its range has no begin, which no archive covers'); END IF;
  covered := p_low;
  FOR d IN
    SELECT a.* FROM {schema}.days_over(t.table_schema, t.table_name, t.column_name, t.column_type, p_low, p_high) a
    ORDER BY a.low, a.high
  LOOP
    EXIT WHEN d.low > covered;
    covered := GREATEST(covered, d.high);
    IF d.verified_at IS NULL OR d.rows IS NULL THEN
      PERFORM {schema}.verdict('kept', 'not_verified', pg_catalog.format('the archive of %s is not verified', d.day));
    END IF;
    IF p.whole_days AND (d.low < p_low OR d.high > p_high) THEN
      PERFORM {schema}.verdict(
        'kept', 'day_not_whole', pg_catalog.format('the unit holds a part of %s only', d.day));
    END IF;
    day := d.day;
    low := d.low;
    high := d.high;
    rows := d.rows;
    sha256 := d.sha256;
    path := d.archive_path;
    is_cut := d.low < p_low OR d.high > p_high;
    RETURN NEXT;
  END LOOP;
  IF covered < p_high THEN
    PERFORM {schema}.verdict(
      'kept', 'no_archive', pg_catalog.format('no archive holds the values from %s on', {schema}.time_text(covered, t.column_type)));
  END IF;
END
$sluice$;

-- Keeps the proofs from being taken back until the unit is dropped: an archive that is to be removed is first taken from the list of
-- archived days, and that waits. One that was taken back meanwhile keeps the unit.
CREATE OR REPLACE FUNCTION {schema}.hold_proofs(p_schema name, p_name name, p_days jsonb) RETURNS void
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  held bigint;
BEGIN
  SELECT pg_catalog.count(*) INTO held FROM (
    SELECT FROM {schema}.archived_day a
    JOIN pg_catalog.jsonb_to_recordset(p_days) AS x (day date, sha256 text, rows bigint)
      ON x.day = a.day AND x.rows = a.rows AND x.sha256 IS NOT DISTINCT FROM a.sha256
    WHERE a.table_schema = p_schema AND a.table_name = p_name AND a.verified_at IS NOT NULL
    FOR SHARE OF a) s;
  IF held IS DISTINCT FROM pg_catalog.jsonb_array_length(p_days) THEN
    PERFORM {schema}.verdict('kept', 'not_verified', 'what is known of an archive was changed meanwhile');
  END IF;
END
$sluice$;

-- The archived days of a table whose span overlaps the values from p_low to before p_high; NULL is no bound.
CREATE OR REPLACE FUNCTION {schema}.days_over(
  p_schema name, p_name name, p_column name, p_type oid, p_low bigint, p_high bigint
) RETURNS TABLE (
  day date, low bigint, high bigint, rows bigint, sha256 text, archive_path text, verified_at timestamptz, snapshot_xmin xid8)
LANGUAGE plpgsql {settings} AS $sluice$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT s.* FROM (
    SELECT a.day, {schema}.time_value(a.span_start, p_type) AS low, {schema}.time_value(a.span_end, p_type) AS high,
      a.rows, a.sha256, a.archive_path, a.verified_at, a.snapshot_xmin
    FROM {schema}.archived_day a
    WHERE a.table_schema = p_schema AND a.table_name = p_name AND a.time_column = p_column
      -- A day begins at most 14 hours from midnight UTC; of integers nothing is known before they are compared.
      AND (p_type IN (20, 23) OR p_low IS NULL OR a.day >= ({schema}.time_text(p_low, p_type))::timestamp::date - 2)
      AND (p_type IN (20, 23) OR p_high IS NULL OR a.day <= ({schema}.time_text(p_high, p_type))::timestamp::date + 2)
    OFFSET 0
  ) s
  WHERE (p_low IS NULL OR s.high > p_low) AND (p_high IS NULL OR s.low < p_high) AND s.low < s.high;
END
$sluice$;

-- A hold without instants of the unit to compare counts for all of the table.
CREATE OR REPLACE FUNCTION {schema}.check_holds(
  p_schema name, p_name name, p {schema}.retention_policy, p_first timestamptz, p_last timestamptz
) RETURNS void LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  h record;
BEGIN
  IF p.hold_until > pg_catalog.clock_timestamp() THEN
    PERFORM {schema}.verdict('kept', 'on_hold', pg_catalog.format('the policy holds it until %s: %s', p.hold_until, p.hold_reason));
  END IF;
  SELECT k.id, k.reason INTO h FROM {schema}.hold k
  WHERE k.table_schema = p_schema AND k.table_name = p_name AND k.released_at IS NULL
    AND (k.until IS NULL OR k.until > pg_catalog.clock_timestamp())
    AND (k.range_start IS NULL OR p_last IS NULL OR k.range_start < p_last)
    AND (k.range_end IS NULL OR p_first IS NULL OR k.range_end > p_first)
  ORDER BY k.id LIMIT 1;
  IF FOUND THEN PERFORM {schema}.verdict('kept', 'on_hold', pg_catalog.format('hold %s: %s', h.id, h.reason)); END IF;
END
$sluice$;

CREATE OR REPLACE FUNCTION {schema}.check_references(p_table oid, p_parts oid[]) RETURNS void
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  key text;
BEGIN
  SELECT pg_catalog.format('%s of %s', k.conname, {schema}.relation_name(k.conrelid)) INTO key
  FROM pg_catalog.pg_constraint k
  WHERE k.contype = 'f' AND (
    k.confrelid = p_table OR k.confrelid = ANY (p_parts)
    OR k.confrelid IN (SELECT a.relid FROM pg_catalog.pg_partition_ancestors(p_table) a))
  ORDER BY k.oid LIMIT 1;
  IF FOUND THEN PERFORM {schema}.verdict('kept', 'referenced', pg_catalog.format('the foreign key %s refers to the table', key)); END IF;
END
$sluice$;

-- An aggregate has what it needs of a range when it is computed up to the range's end, and nothing in the range was changed since.
-- Those over other aggregates read those. TimescaleDB takes a dropped chunk for a change up to and with the first value of the next one,
-- so that a change which ends there, where the log tells of a drop that does, is none of the next one if it begins where a dropped one did. A refresh over dropped rows empties
-- their buckets: a policy that would do so keeps the rows.
DROP FUNCTION IF EXISTS {schema}.check_aggregates(int, bigint, bigint);
CREATE OR REPLACE FUNCTION {schema}.check_aggregates(t record, p_low bigint, p_high bigint) RETURNS void
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  a record;
  is_pending boolean := false;
  -- Where a change that ends at p_low is none of the unit, if it begins there.
  drops bigint[];
  refreshed_from text;
BEGIN
  SELECT pg_catalog.array_agg({schema}.time_value(l.range_start, t.column_type)) INTO drops
  FROM {schema}.chunk_maintenance_log l
  WHERE l.table_schema = t.table_schema AND l.table_name = t.table_name AND l.outcome = 'dropped' AND l.action = 'drop_chunk'
    AND EXISTS (
      SELECT FROM {schema}.chunk_maintenance_log e
      WHERE e.table_schema = t.table_schema AND e.table_name = t.table_name AND e.outcome = 'dropped' AND e.action = 'drop_chunk'
        AND e.range_end = {schema}.time_text(p_low, t.column_type));
  drops := pg_catalog.array_remove(COALESCE(drops, '{}'), p_low);
  FOR a IN
    SELECT c.mat_hypertable_id AS id, pg_catalog.format('%I.%I', c.user_view_schema, c.user_view_name) AS name, w.watermark
    FROM _timescaledb_catalog.continuous_agg c
    LEFT JOIN _timescaledb_catalog.continuous_aggs_watermark w ON w.mat_hypertable_id = c.mat_hypertable_id
    WHERE c.raw_hypertable_id = t.hypertable
    ORDER BY c.mat_hypertable_id
  LOOP
    -- From version 2.20 on: ranges that a refresh has begun to compute.
    IF pg_catalog.to_regclass('_timescaledb_catalog.continuous_aggs_materialization_ranges') IS NOT NULL THEN
      SELECT EXISTS (
        SELECT FROM _timescaledb_catalog.continuous_aggs_materialization_ranges r
        WHERE r.materialization_id = a.id AND (p_high IS NULL OR r.lowest_modified_value < p_high)
          AND (p_low IS NULL OR r.greatest_modified_value > p_low
            OR r.greatest_modified_value = p_low AND r.lowest_modified_value <> ALL (drops)))
      INTO is_pending;
    END IF;
    IF is_pending OR p_high IS NULL OR (a.watermark >= p_high) IS NOT TRUE
      OR EXISTS (
        SELECT FROM _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log l
        WHERE l.hypertable_id = t.hypertable AND l.lowest_modified_value < p_high
          AND (p_low IS NULL OR l.greatest_modified_value > p_low
            OR l.greatest_modified_value = p_low AND l.lowest_modified_value <> ALL (drops)))
      OR EXISTS (
        SELECT FROM _timescaledb_catalog.continuous_aggs_materialization_invalidation_log l
        WHERE l.materialization_id = a.id AND l.lowest_modified_value < p_high
          AND (p_low IS NULL OR l.greatest_modified_value > p_low
            OR l.greatest_modified_value = p_low AND l.lowest_modified_value <> ALL (drops)))
    THEN
      PERFORM {schema}.verdict(
        'kept', 'needed_by_aggregate', pg_catalog.format('the continuous aggregate %s is not refreshed over it', a.name));
    END IF;
    SELECT COALESCE(j.config ->> 'start_offset', 'the first row') INTO refreshed_from
    FROM timescaledb_information.jobs j
    WHERE j.scheduled AND j.proc_name = 'policy_refresh_continuous_aggregate' AND j.config ->> 'mat_hypertable_id' = a.id::text
      AND (
        j.config ->> 'start_offset' IS NULL
        -- Integers tell no time: what is computed by now is taken for the present.
        OR t.column_type IN (20, 23) AND a.watermark::numeric - (j.config ->> 'start_offset')::numeric < p_high
        OR t.column_type NOT IN (20, 23)
          -- A column without a zone shows a clock of which nothing is known here.
          AND {schema}.time_value(
            (pg_catalog.now() - (j.config ->> 'start_offset')::interval
              - CASE t.column_type WHEN 1184 THEN interval '0' ELSE interval '1 day' END)::text, t.column_type) < p_high)
    ORDER BY j.job_id LIMIT 1;
    IF FOUND THEN
      PERFORM {schema}.verdict(
        'kept', 'needed_by_aggregate', pg_catalog.format(
          'the refresh policy of the continuous aggregate %s would empty its buckets of the dropped rows: it begins at %s; '
            'give it a start_offset shorter than the age of what is dropped', a.name, refreshed_from));
    END IF;
  END LOOP;
END
$sluice$;

-- The holds that restores have placed, in a table of the role that restores. It is read only where no code of an untrusted role could run by that;
-- the script grants what is needed for it.
CREATE OR REPLACE FUNCTION {schema}.check_restored(p_table oid, t record, p_low bigint, p_high bigint) RETURNS void
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  h record;
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
    JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
    WHERE n.nspname = 'sluice' AND c.relname = 'hold' AND c.relkind = 'r' AND NOT c.relrowsecurity
      AND (r.rolsuper OR c.relowner = d.datdba OR pg_catalog.pg_has_role(current_user, c.relowner, 'USAGE'))
      AND {schema}.is_trusted(n.nspowner, c.relowner)
      AND 8 = (
        SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND NOT a.attisdropped AND (a.attname, a.atttypid) IN (
          ('schema_name', 25), ('table_name', 25), ('kind', 25), ('first_value', 25), ('end_value', 25), ('keep_until', 1184),
          ('ended_at', 1184), ('table_oid', 26)))
  ) THEN
    RETURN;
  END IF;
  IF NOT (
    pg_catalog.has_schema_privilege(current_user, 'sluice', 'USAGE')
    AND pg_catalog.has_table_privilege(current_user, 'sluice.hold', 'SELECT'))
  THEN
    PERFORM {schema}.verdict(
      'kept', 'on_hold', pg_catalog.format(
        'the holds of restores cannot be read: GRANT USAGE ON SCHEMA sluice TO %1$I; GRANT SELECT ON sluice.hold TO %1$I', current_user));
  END IF;
  FOR h IN
    SELECT k.kind, k.first_value, k.end_value, k.keep_until FROM sluice.hold k
    WHERE k.ended_at IS NULL AND k.keep_until > pg_catalog.clock_timestamp()
      AND (k.table_oid = p_table OR k.table_oid IS NULL AND k.schema_name = t.table_schema AND k.table_name = t.table_name)
  LOOP
    -- Of a column of another type by now nothing is compared.
    IF h.kind IS DISTINCT FROM pg_catalog.format_type(t.column_type, NULL)
      OR (p_high IS NULL OR {schema}.time_value(h.first_value, t.column_type) < p_high)
        AND (p_low IS NULL OR {schema}.time_value(h.end_value, t.column_type) > p_low)
    THEN
      PERFORM {schema}.verdict('kept', 'on_hold', pg_catalog.format('a restore keeps its rows until %s', h.keep_until));
    END IF;
  END LOOP;
END
$sluice$;
