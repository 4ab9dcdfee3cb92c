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
  hold text;
  first_instant timestamptz;
  last_instant timestamptz;
BEGIN
  first_instant := {schema}.time_instant(p_low, t.column_type, p.clock);
  last_instant := {schema}.time_instant(p_high, t.column_type, p.clock);
  IF t.column_type IN (20, 23) THEN
    -- An integer tells no instant by itself; the days of its archives do, but not of which zone they are.
    SELECT {schema}.day_first(pg_catalog.min(a.day)), {schema}.day_last(pg_catalog.max(a.day))
    INTO first_instant, last_instant
    FROM {schema}.days_over(p_table, t.table_schema, t.table_name, t.column_name, t.column_type, p_low, p_high) a;
  END IF;
  hold := {schema}.hold_over(
    p, t.table_schema, t.table_name, pg_catalog.array_append(p_parts, p_table), t.column_type, p_low, p_high, first_instant, last_instant);
  IF hold IS NOT NULL THEN PERFORM {schema}.verdict('kept', 'on_hold', hold); END IF;
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
    SELECT a.* FROM {schema}.days_over(p_table, t.table_schema, t.table_name, t.column_name, t.column_type, p_low, p_high) a
    ORDER BY a.low, a.high
  LOOP
    EXIT WHEN d.low > covered;
    covered := GREATEST(covered, d.high);
    IF d.is_of_another THEN
      PERFORM {schema}.verdict(
        'kept', 'not_verified', pg_catalog.format(
          'the archive of %s was made of another relation of that name, or by an earlier version, and was not compared since', d.day));
    END IF;
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
DROP FUNCTION IF EXISTS {schema}.hold_proofs(name, name, jsonb);
CREATE OR REPLACE FUNCTION {schema}.hold_proofs(p_table oid, p_schema name, p_name name, p_days jsonb) RETURNS void
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  held bigint;
BEGIN
  SELECT pg_catalog.count(*) INTO held FROM (
    SELECT FROM {schema}.archived_day a
    JOIN pg_catalog.jsonb_to_recordset(p_days) AS x (day date, sha256 text, rows bigint)
      ON x.day = a.day AND x.rows = a.rows AND x.sha256 IS NOT DISTINCT FROM a.sha256
    WHERE a.table_schema = p_schema AND a.table_name = p_name AND a.table_oid = p_table AND a.verified_at IS NOT NULL
    FOR SHARE OF a) s;
  IF held IS DISTINCT FROM pg_catalog.jsonb_array_length(p_days) THEN
    PERFORM {schema}.verdict('kept', 'not_verified', 'what is known of an archive was changed meanwhile');
  END IF;
END
$sluice$;

-- The archived days of a table whose span overlaps the values from p_low to before p_high; NULL is no bound. What was proven of another relation
-- that had the name is proven of none.
DROP FUNCTION IF EXISTS {schema}.days_over(name, name, name, oid, bigint, bigint);
CREATE OR REPLACE FUNCTION {schema}.days_over(
  p_table oid, p_schema name, p_name name, p_column name, p_type oid, p_low bigint, p_high bigint
) RETURNS TABLE (
  day date, low bigint, high bigint, rows bigint, sha256 text, archive_path text, verified_at timestamptz, snapshot_xmin xid8,
  is_of_another boolean)
LANGUAGE plpgsql {settings} AS $sluice$
#variable_conflict use_column
DECLARE
  first_day date;
  last_day date;
BEGIN
  -- A day begins at most 14 hours from midnight UTC; of integers nothing is known before they are compared.
  IF p_type NOT IN (20, 23) THEN
    first_day := ({schema}.time_text(p_low, p_type))::timestamp::date - 2;
    last_day := ({schema}.time_text(p_high, p_type))::timestamp::date + 2;
  END IF;
  RETURN QUERY
  SELECT s.* FROM (
    SELECT a.day, {schema}.time_value(a.span_start, p_type) AS low, {schema}.time_value(a.span_end, p_type) AS high,
      a.rows, a.sha256, a.archive_path, CASE WHEN a.table_oid = p_table THEN a.verified_at END,
      CASE WHEN a.table_oid = p_table THEN a.snapshot_xmin END,
      a.verified_at IS NOT NULL AND a.table_oid IS DISTINCT FROM p_table
    FROM {schema}.archived_day a
    WHERE a.table_schema = p_schema AND a.table_name = p_name AND a.time_column = p_column
      AND (first_day IS NULL OR a.day >= first_day) AND (last_day IS NULL OR a.day <= last_day)
    OFFSET 0
  ) s
  WHERE (p_low IS NULL OR s.high > p_low) AND (p_high IS NULL OR s.low < p_high) AND s.low < s.high;
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
