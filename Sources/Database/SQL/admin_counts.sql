-- The rows that a unit has of each of the days p_days, in their order; rows of no day are NULL's. p_source is where they are read, p_where
-- what bounds them there. With p_heaps the tuples of each of them are counted by the same snapshot: their places are -1, -2, …
CREATE OR REPLACE FUNCTION {schema}.count_days(
  p_source text, p_where text, p_column name, p_type oid, p_lows bigint[], p_highs bigint[],
  p_heaps oid[]
) RETURNS TABLE (place int, rows bigint) LANGUAGE plpgsql {settings} AS $sluice$
#variable_conflict use_column
DECLARE
  type text := pg_catalog.format_type(p_type, NULL);
  count int := pg_catalog.cardinality(p_lows);
  bounds text[];
  spans text[];
  heaps text := '';
  is_chain boolean := true;
BEGIN
  FOR i IN 1..count LOOP
    is_chain := is_chain AND (i = 1 OR p_lows[i] = p_highs[i - 1]);
    bounds[i] := {schema}.time_text(p_lows[i], p_type);
    spans[i] := pg_catalog.format(
      'x.%I >= %s AND x.%I < %s', p_column, {schema}.time_literal(p_lows[i], p_type), p_column,
      {schema}.time_literal(p_highs[i], p_type));
  END LOOP;
  IF is_chain THEN
    FOR i IN 1..pg_catalog.cardinality(p_heaps) LOOP
      heaps := heaps OPERATOR(pg_catalog.||) pg_catalog.format(
        ' UNION ALL SELECT -%s, pg_catalog.count(*) FROM ONLY %s', i, {schema}.present_name(p_heaps[i]));
    END LOOP;
    bounds[count + 1] := {schema}.time_text(p_highs[count], p_type);
    -- One pass.
    RETURN QUERY EXECUTE pg_catalog.format(
      'SELECT CASE WHEN c.b BETWEEN 1 AND %s THEN c.b END, c.n FROM (
        SELECT pg_catalog.width_bucket(x.%I::%s, $1::%s[]) AS b, pg_catalog.count(*) AS n FROM %s AS x WHERE %s GROUP BY 1) AS c',
      count, p_column, type, type, p_source, p_where) OPERATOR(pg_catalog.||) heaps
    USING bounds;
  ELSE
    -- Days that were archived by other clocks overlap.
    FOR i IN 1..count LOOP
      RETURN QUERY EXECUTE pg_catalog.format(
        'SELECT %s, pg_catalog.count(*) FROM %s AS x WHERE (%s) AND %s', i, p_source, p_where, spans[i]);
    END LOOP;
    RETURN QUERY EXECUTE pg_catalog.format(
      'SELECT NULL::int, pg_catalog.count(*) FROM %s AS x WHERE (%s) AND (%s) IS NOT TRUE', p_source, p_where,
      pg_catalog.array_to_string(spans, ' OR '));
  END IF;
END
$sluice$;

-- Compares the rows of each day with its archive. Returns what there is of each day in the unit, for the log.
-- A day that the unit cuts is accounted for when the table has all its rows but those that were dropped before and that the log tells to be
-- of the same archive. Where p_since tells when the day's rows were last compared with the archive, only what was dropped later counts:
-- rows dropped earlier had been restored by then.
CREATE OR REPLACE FUNCTION {schema}.check_counts(
  t record, p_root text, p_source text, p_where text, p_low bigint, p_high bigint, p_days jsonb, p_heaps oid[],
  p_since xid8,
  OUT total bigint, OUT archives jsonb, OUT tuples bigint[]
) LANGUAGE plpgsql {settings} AS $sluice$
#variable_conflict use_variable
DECLARE
  d record;
  lows bigint[];
  highs bigint[];
  elsewhere bigint;
  dropped bigint;
BEGIN
  SELECT pg_catalog.array_agg((j ->> 'low')::bigint ORDER BY n), pg_catalog.array_agg((j ->> 'high')::bigint ORDER BY n)
  INTO lows, highs FROM pg_catalog.jsonb_array_elements(p_days) WITH ORDINALITY AS e (j, n);
  total := 0;
  archives := '[]';
  FOR d IN
    WITH counted AS MATERIALIZED (
      SELECT c.place, c.rows FROM {schema}.count_days(p_source, p_where, t.column_name, t.column_type, lows, highs, p_heaps) c)
    SELECT j ->> 'day' AS day, (j ->> 'rows')::bigint AS archived, j ->> 'sha256' AS sha256, j ->> 'path' AS path,
      (j ->> 'low')::bigint AS low, (j ->> 'high')::bigint AS high, (j ->> 'is_cut')::boolean AS is_cut,
      COALESCE(c.rows, 0) AS rows, j IS NULL AS is_stray, c.place AS place
    FROM pg_catalog.jsonb_array_elements(p_days) WITH ORDINALITY AS e (j, n)
    FULL JOIN counted c ON c.place = n
    ORDER BY n
  LOOP
    IF d.place < 0 THEN
      tuples[-d.place] := d.rows;
      CONTINUE;
    END IF;
    total := total + d.rows;
    IF d.is_stray THEN
      IF d.rows > 0 THEN PERFORM {schema}.verdict('kept', 'no_archive', pg_catalog.format('%s rows are in no archived day', d.rows)); END IF;
      CONTINUE;
    END IF;
    elsewhere := 0;
    dropped := 0;
    IF d.is_cut THEN
      EXECUTE pg_catalog.format(
        'SELECT pg_catalog.count(*) FROM %s AS x WHERE x.%I >= %s AND x.%I < %s OR x.%I >= %s AND x.%I < %s', p_root,
        t.column_name, {schema}.time_literal(d.low, t.column_type),
        t.column_name, {schema}.time_literal(LEAST(p_low, d.high), t.column_type),
        t.column_name, {schema}.time_literal(GREATEST(p_high, d.low), t.column_type),
        t.column_name, {schema}.time_literal(d.high, t.column_type)) INTO elsewhere;
      SELECT COALESCE(pg_catalog.sum((a ->> 'rows')::bigint), 0) INTO dropped
      FROM {schema}.chunk_maintenance_log l, pg_catalog.jsonb_array_elements(l.archives) a
      WHERE l.table_schema = t.table_schema AND l.table_name = t.table_name AND l.outcome = 'dropped'
        AND a ->> 'day' = d.day AND a ->> 'sha256' = d.sha256
        AND (p_since IS NULL OR COALESCE(l.transaction >= p_since, pg_catalog.age(l.xmin) <= pg_catalog.age(p_since::xid)));
    END IF;
    IF d.rows + elsewhere IS DISTINCT FROM d.archived - dropped THEN
      PERFORM {schema}.verdict(
        'kept',
        CASE WHEN d.rows + elsewhere > d.archived - dropped THEN 'late_rows' WHEN d.is_cut THEN 'day_not_whole' ELSE 'fewer_rows' END,
        pg_catalog.format(
          '%s: the table has %s rows, the archive %s%s', d.day, d.rows + elsewhere, d.archived,
          CASE WHEN dropped > 0 THEN pg_catalog.format(', of which %s were dropped before', dropped) ELSE '' END));
    END IF;
    archives := archives OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_array(
      pg_catalog.jsonb_build_object('path', d.path, 'sha256', d.sha256, 'day', d.day, 'rows', d.rows));
  END LOOP;
  IF EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(lows[2:]), pg_catalog.unnest(highs)) AS o (next, high) WHERE o.next < o.high) THEN
    EXECUTE pg_catalog.format('SELECT pg_catalog.count(*) FROM %s AS x WHERE %s', p_source, p_where) INTO total;
  END IF;
END
$sluice$;

-- Rows that a session has written into a wholly compressed chunk directly: no query sees them, and no archive has them.
CREATE OR REPLACE FUNCTION {schema}.check_hidden(p_sealed oid[]) RETURNS void
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  r oid;
  hidden bigint;
BEGIN
  FOREACH r IN ARRAY COALESCE(p_sealed, '{}') LOOP
    EXECUTE pg_catalog.format('SELECT pg_catalog.count(*) FROM ONLY %s', {schema}.present_name(r)) INTO hidden;
    IF hidden > 0 THEN
      PERFORM {schema}.verdict(
        'kept', 'late_rows', pg_catalog.format(
          '%s rows were written into the compressed chunk %s directly, where no query sees them', hidden, {schema}.relation_name(r)));
    END IF;
  END LOOP;
END
$sluice$;

-- The latest moment since when the rows from p_low to before p_high are known not to have changed: the earliest of their archives. NULL where
-- one does not tell, or its transaction ids are those of another cluster.
DROP FUNCTION IF EXISTS {schema}.compared_since(record, bigint, bigint);
CREATE OR REPLACE FUNCTION {schema}.compared_since(p_table oid, t record, p_low bigint, p_high bigint) RETURNS xid8
LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  RETURN (
    SELECT CASE WHEN pg_catalog.bool_and(a.snapshot_xmin IS NOT NULL)
      THEN (pg_catalog.min(a.snapshot_xmin::text::numeric))::text::xid8 END
    FROM {schema}.days_over(p_table, t.table_schema, t.table_name, t.column_name, t.column_type, p_low, p_high) a
    WHERE EXISTS (
      SELECT FROM {schema}.cluster c
      WHERE c.system_identifier = (SELECT s.system_identifier FROM pg_catalog.pg_control_system() s)));
END
$sluice$;

-- Why a row may have been changed by a transaction that had not ended before p_since; NULL if none was. `tuples` is how many each
-- of p_heaps has. A row that is visible now, and whose xmin is before p_since, was visible to the snapshot whose xmin p_since is. An xmin that
-- was not before it is told exactly, as long as fewer than 2^31 transactions lie between; one that is older, also of a frozen row, may look
-- younger, never the other way round.
-- Catalog rows are compared alike: another table may have been attached, or a column made, whose values are in no tuple.
CREATE OR REPLACE FUNCTION {schema}.changed_since(
  p_table oid, p_parts oid[], p_heaps oid[], p_since xid8, OUT why text, OUT tuples bigint[]
) LANGUAGE plpgsql {settings} AS $sluice$
#variable_conflict use_variable
DECLARE
  found_tuples bigint;
  changed bigint;
BEGIN
  IF pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) < p_since THEN
    PERFORM {schema}.verdict('refused', 'bad_since', 'not every transaction before p_since has ended');
  END IF;
  -- From here on `age` counts from this transaction.
  IF pg_catalog.pg_current_xact_id()::text::bigint - p_since::text::bigint >= 2147000000 THEN
    why := 'the proof is too old to compare transactions with it';
  ELSIF EXISTS (
    SELECT FROM pg_catalog.pg_attribute a
    WHERE (a.attrelid = p_table OR a.attrelid = ANY (p_parts) OR a.attrelid = ANY (p_heaps)) AND a.attnum > 0
      AND pg_catalog.age(a.xmin) <= pg_catalog.age(p_since::xid)
  ) OR EXISTS (
    SELECT FROM pg_catalog.pg_inherits i
    WHERE (i.inhrelid = ANY (p_parts) OR i.inhrelid = ANY (p_heaps)) AND pg_catalog.age(i.xmin) <= pg_catalog.age(p_since::xid)
  ) THEN
    why := 'the table''s definition was changed since the archive was verified';
  ELSIF EXISTS (
    SELECT FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
    WHERE c.oid = ANY (p_heaps) AND m.amname IS DISTINCT FROM 'heap'
  ) THEN
    why := 'rows of this access method do not tell when they were changed';
  END IF;
  IF why IS NOT NULL THEN RETURN; END IF;
  FOR i IN 1..pg_catalog.cardinality(p_heaps) LOOP
    EXECUTE pg_catalog.format(
      'SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE pg_catalog.age(x.xmin) <= pg_catalog.age($1)) FROM ONLY %s AS x',
      {schema}.present_name(p_heaps[i])) INTO found_tuples, changed USING p_since::xid;
    tuples[i] := found_tuples;
    IF changed > 0 AND why IS NULL THEN
      why := pg_catalog.format(
        '%s tuples of %s may have been changed since the archive was verified', changed, {schema}.relation_name(p_heaps[i]));
    END IF;
  END LOOP;
END
$sluice$;
