-- A maintenance task as one statement for pg_cron: it deletes the rows that fit, batch by batch, each committed. {…} are constants of the task.
DO $sluice$
DECLARE
  root pg_catalog.regclass := {table}::pg_catalog.regclass;
  stop pg_catalog.timestamptz := pg_catalog.clock_timestamp() + {budget}::pg_catalog.interval;
  before text;
  condition text := {condition};
  leaf record;
  block pg_catalog.int8;
  next pg_catalog.int8;
  place pg_catalog.tid;
  ids pg_catalog.tid[];
  held boolean;
  family text[];
BEGIN
  IF NOT pg_catalog.pg_try_advisory_lock({key}) THEN
    RAISE EXCEPTION 'another run of the task is under way' USING ERRCODE = '55P03';
  END IF;
  -- The limit is written and read as a text: in another style a zone's name is another zone.
  PERFORM pg_catalog.set_config('datestyle', 'ISO', true);
  -- What is old is old by the column's own type; without a column all rows are.
  IF {column} <> '' THEN
    SELECT pg_catalog.format('pg_catalog.isfinite(x.%1$I) AND x.%1$I < %2$L::%3$s', a.attname,
        CASE a.atttypid
          WHEN 1184 THEN (pg_catalog.now() - {age}::pg_catalog.interval)::text
          WHEN 1114 THEN (pg_catalog.timezone({zone}, pg_catalog.now()) - {age}::pg_catalog.interval)::text
          WHEN 1082 THEN (pg_catalog.timezone({zone}, pg_catalog.now()) - {age}::pg_catalog.interval)::pg_catalog.date::text
        END, pg_catalog.format_type(a.atttypid, NULL)) INTO before
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = root AND a.attname = {column} AND a.atttypid IN (1184, 1114, 1082) AND NOT a.attisdropped;
    IF before IS NULL THEN
      RAISE EXCEPTION 'the table % has no column % of a time type', root, {column} USING ERRCODE = '42703';
    END IF;
    condition := pg_catalog.concat_ws(' AND ', before, NULLIF(condition, ''));
  END IF;
  FOR leaf IN
    WITH RECURSIVE tree (oid) AS (
      SELECT root::pg_catalog.oid UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.oid
    )
    SELECT c.oid, (pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8)::pg_catalog.int8 AS blocks,
      GREATEST(1, ({batch_rows} / CASE WHEN c.relpages > 0 AND c.reltuples > 0 THEN c.reltuples / c.relpages ELSE 100 END)::pg_catalog.int8) AS stretch
    FROM tree JOIN pg_catalog.pg_class AS c ON c.oid = tree.oid WHERE c.relkind = 'r' ORDER BY c.oid
  LOOP
    block := 0;
    place := '(0,0)';
    WHILE block < leaf.blocks LOOP
      EXIT WHEN pg_catalog.clock_timestamp() > stop;
      PERFORM pg_catalog.set_config('lock_timeout', {lock_timeout}, true), pg_catalog.set_config('enable_hashjoin', 'off', true),
        pg_catalog.set_config('enable_mergejoin', 'off', true), pg_catalog.set_config('row_security', 'off', true);
      -- A partition that was detached or dropped meanwhile is no part of the table.
      EXIT WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = leaf.oid);
      EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN ROW EXCLUSIVE MODE', leaf.oid::pg_catalog.regclass);
      EXIT WHEN NOT EXISTS (
        WITH RECURSIVE tree (oid) AS (
          SELECT leaf.oid UNION SELECT i.inhparent FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = tree.oid
            WHERE (pg_catalog.to_jsonb(i) ->> 'inhdetachpending') IS DISTINCT FROM 'true'
        )
        SELECT FROM tree WHERE tree.oid = root);
      {guards}
      next := LEAST(block + leaf.stretch, leaf.blocks);
      EXECUTE pg_catalog.format(
        'SELECT pg_catalog.array_agg(p.id ORDER BY p.id) FROM (SELECT x.ctid AS id FROM ONLY %1$s AS x '
        'WHERE x.ctid > $1 AND x.ctid < $2 AND (%2$s) ORDER BY x.ctid LIMIT {batch_rows}{lock}) AS p',
        leaf.oid::pg_catalog.regclass, condition)
      INTO ids USING place, ('(' || next || ',0)')::pg_catalog.tid;
      IF ids IS NOT NULL THEN
        -- The statement is a younger one than the lock: what was committed while that was waited for is seen.
        EXECUTE pg_catalog.format(
          'DELETE FROM ONLY %1$s AS x WHERE x.ctid = ANY ($1) AND (%2$s)', leaf.oid::pg_catalog.regclass, condition) USING ids;
      END IF;
      COMMIT;
      IF pg_catalog.cardinality(ids) >= {batch_rows} THEN
        place := ids[pg_catalog.cardinality(ids)];
      ELSE
        block := next;
        place := ('(' || next || ',0)')::pg_catalog.tid;
      END IF;
      IF ids IS NOT NULL THEN PERFORM pg_catalog.pg_sleep({pause}); END IF;
    END LOOP;
  END LOOP;
  COMMIT;
  PERFORM pg_catalog.pg_advisory_unlock({key});
  PERFORM pg_catalog.set_config('row_security', 'off', true);
  EXECUTE pg_catalog.format('SELECT EXISTS (SELECT FROM %s AS x WHERE %s)', root, condition) INTO held;
  IF held THEN
    RAISE EXCEPTION 'rows of % remain: the time was used up, others wrote or hold them, or they are in compressed chunks, which are left alone. '
      'What was deleted is committed; the next run goes on', root USING ERRCODE = '55000';
  END IF;
END
$sluice$
