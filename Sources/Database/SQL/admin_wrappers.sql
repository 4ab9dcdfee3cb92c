-- What people and other jobs call. The age or range that they give stands for the policy's `keep`; its minimum age and every
-- proof are asked for all the same.
CREATE OR REPLACE FUNCTION {schema}.drop_range(
  p_action text, p_table oid, p_start timestamptz, p_end timestamptz
) RETURNS TABLE (unit text, outcome text, reason text, rows bigint, bytes bigint, detail text)
LANGUAGE plpgsql {settings} AS $sluice$
#variable_conflict use_column
DECLARE
  t record;
  p {schema}.retention_policy;
  why text;
  note text;
  u record;
  first_drop timestamptz;
  begun timestamptz;
  r record;
BEGIN
  SELECT * INTO t FROM {schema}.table_facts(p_table);
  BEGIN
    IF t.reason IS NOT NULL THEN PERFORM {schema}.verdict('refused', t.reason, NULL); END IF;
    IF t.kind = 'plain' THEN PERFORM {schema}.verdict('refused', 'not_a_unit', 'the rows of a plain table are deleted by day'); END IF;
    IF t.column_type IN (20, 23) THEN
      PERFORM {schema}.verdict('refused', 'no_time_unit', 'the values of an integer column tell no time');
    END IF;
    p := {schema}.policy_of(t.table_schema, t.table_name, t.column_name, false);
    IF p_end IS NULL OR NOT pg_catalog.isfinite(p_end) OR (p_start < p_end) IS FALSE
      OR p_end > pg_catalog.now() - p.minimum_age
    THEN
      PERFORM {schema}.verdict(
        'refused', 'bad_interval',
        pg_catalog.format('what is dropped must be older than the minimum age of %s', p.minimum_age));
    END IF;
  EXCEPTION WHEN SQLSTATE 'SLREF' OR SQLSTATE 'SLKEP' THEN
    GET STACKED DIAGNOSTICS why = MESSAGE_TEXT, note = PG_EXCEPTION_DETAIL;
  END;
  IF why IS NOT NULL THEN
    PERFORM {schema}.write_log(
      CASE t.kind WHEN 'partitioned' THEN 'drop_partition' ELSE 'drop_chunk' END, t.table_schema, t.table_name, NULL,
      p_start::text, p_end::text, NULL, NULL, NULL, 'refused', why, note, p_action);
    RETURN QUERY SELECT NULL::text, 'refused', why, NULL::bigint, NULL::bigint, NULLIF(note, '');
    RETURN;
  END IF;
  FOR u IN
    SELECT k.unit, k.low, k.high FROM {schema}.units_of(p_table) k
    WHERE {schema}.time_instant(k.high, t.column_type, p.clock) <= p_end
      AND (p_start IS NULL OR {schema}.time_instant(k.low, t.column_type, p.clock) >= p_start)
    ORDER BY k.high
  LOOP
    -- The locks of what was dropped last until the caller commits: writers must not wait for all the units that may follow. The time that
    -- the first one took is counted too: the next one may take as long.
    begun := pg_catalog.clock_timestamp();
    IF begun > first_drop + interval '2 s' THEN
      RETURN QUERY SELECT {schema}.relation_name(u.unit), 'kept', 'out_of_time', NULL::bigint, NULL::bigint,
        'the call has locked the table for 2 s; commit, and call again';
      CONTINUE;
    END IF;
    FOR r IN
      SELECT * FROM {schema}.drop_checked(
        p_table, u.unit, {schema}.compared_since(p_table, t, u.low, u.high), false, p_action, true)
    LOOP
      IF r.outcome = 'dropped' THEN first_drop := COALESCE(first_drop, begun); END IF;
      RETURN QUERY SELECT r.unit, r.outcome, r.reason, r.rows, r.bytes, r.detail;
    END LOOP;
  END LOOP;
END
$sluice$;

-- Drops the chunks, or partitions, that are wholly older than p_age. A month counts as long as it is from today back.
CREATE OR REPLACE FUNCTION {schema}.drop_chunks_older_than(p_table regclass, p_age interval)
RETURNS TABLE (unit text, outcome text, reason text, rows bigint, bytes bigint, detail text)
LANGUAGE plpgsql {entry_settings} AS $sluice$
#variable_conflict use_column
BEGIN
  {intact}
  RETURN QUERY SELECT * FROM {schema}.drop_range(
    'drop_chunks_older_than', p_table::oid, NULL,
    -- An interval whose parts have two signs has no age of its own.
    CASE
      WHEN p_age > interval '0' AND EXTRACT(month FROM p_age) >= 0 AND EXTRACT(year FROM p_age) >= 0
        AND EXTRACT(day FROM p_age) >= 0 AND EXTRACT(epoch FROM p_age) > 0
        AND pg_catalog.now() - p_age < pg_catalog.now()
      THEN pg_catalog.now() - p_age
    END);
END
$sluice$;

-- Drops the chunks, or partitions, that lie wholly from p_start to before p_end.
CREATE OR REPLACE FUNCTION {schema}.drop_chunks_between(p_table regclass, p_start timestamptz, p_end timestamptz)
RETURNS TABLE (unit text, outcome text, reason text, rows bigint, bytes bigint, detail text)
LANGUAGE plpgsql {entry_settings} AS $sluice$
#variable_conflict use_column
BEGIN
  {intact}
  RETURN QUERY SELECT * FROM {schema}.drop_range(
    'drop_chunks_between', p_table::oid, COALESCE(p_start, timestamptz 'infinity'), p_end);
END
$sluice$;

-- The chunks (one for each range) or partitions of a table, with their ranges.
CREATE OR REPLACE FUNCTION {schema}.units_of(p_table oid) RETURNS TABLE (unit oid, low bigint, high bigint)
LANGUAGE plpgsql {settings} AS $sluice$
#variable_conflict use_column
DECLARE
  t record;
BEGIN
  SELECT * INTO t FROM {schema}.table_facts(p_table);
  IF t.reason IS NOT NULL THEN RETURN; END IF;
  IF t.kind = 'hypertable' THEN
    RETURN QUERY
    SELECT pg_catalog.min(k.chunk), NULLIF(k.low, -9223372036854775808), NULLIF(k.high, 9223372036854775807)
    FROM {schema}.chunks_of(t.hypertable) k GROUP BY k.low, k.high;
  ELSIF t.kind = 'partitioned' THEN
    RETURN QUERY
    SELECT i.inhrelid, f.low, f.high FROM pg_catalog.pg_inherits i
    CROSS JOIN LATERAL {schema}.unit_facts(p_table, i.inhrelid, t.kind, t.column_type, NULL) f
    WHERE i.inhparent = p_table AND f.reason IS NULL;
  END IF;
END
$sluice$;
