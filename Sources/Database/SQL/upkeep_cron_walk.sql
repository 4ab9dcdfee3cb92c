-- A maintenance task as one statement for pg_cron: it deletes the rows that fit, batch by batch, each committed. {…} are constants of the task.
DO $sluice$
DECLARE
  root pg_catalog.regclass := {table}::pg_catalog.regclass;
  stop pg_catalog.timestamptz := pg_catalog.clock_timestamp() + {budget}::pg_catalog.interval;
  before text;
  condition text := {condition};
  leaf record;
  place pg_catalog.tid;
  picked pg_catalog.int8;
  gone pg_catalog.int8;
  held boolean;
BEGIN
  IF NOT pg_catalog.pg_try_advisory_lock({key}) THEN
    RAISE EXCEPTION 'another run of the task is under way' USING ERRCODE = '55P03';
  END IF;
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
    SELECT c.oid::pg_catalog.regclass AS name FROM tree JOIN pg_catalog.pg_class AS c ON c.oid = tree.oid WHERE c.relkind = 'r' ORDER BY c.oid
  LOOP
    place := '(0,0)';
    LOOP
      EXIT WHEN pg_catalog.clock_timestamp() > stop;
      PERFORM pg_catalog.set_config('lock_timeout', {lock_timeout}, true), pg_catalog.set_config('synchronize_seqscans', 'off', true),
        pg_catalog.set_config('enable_hashjoin', 'off', true), pg_catalog.set_config('enable_mergejoin', 'off', true),
        pg_catalog.set_config('row_security', 'off', true);
      IF pg_catalog.to_regprocedure({holds_on} || '(name,name,oid[])') IS NOT NULL THEN
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || {holds_on} || '($1, $2))' INTO held USING {schema}::pg_catalog.name, {name}::pg_catalog.name;
        IF held THEN RAISE EXCEPTION 'a hold keeps the table %', root USING ERRCODE = '55006'; END IF;
      END IF;
      EXECUTE pg_catalog.format(
        'WITH picked AS MATERIALIZED (SELECT x.ctid AS id FROM ONLY %1$s AS x WHERE x.ctid > $1 AND (%2$s) LIMIT $2), '
        'gone AS (DELETE FROM ONLY %1$s AS x WHERE x.ctid = ANY (ARRAY(SELECT id FROM picked)) AND (%2$s) RETURNING 1) '
        'SELECT (SELECT pg_catalog.count(*) FROM picked), (SELECT p.id FROM picked AS p ORDER BY p.id DESC LIMIT 1), '
        '(SELECT pg_catalog.count(*) FROM gone)', leaf.name, condition)
      INTO picked, place, gone USING place, {batch_rows};
      COMMIT;
      EXIT WHEN picked < {batch_rows};
      PERFORM pg_catalog.pg_sleep({pause});
    END LOOP;
  END LOOP;
  PERFORM pg_catalog.pg_advisory_unlock({key});
END
$sluice$
