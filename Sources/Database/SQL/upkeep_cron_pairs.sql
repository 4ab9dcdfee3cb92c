-- A maintenance task as one statement for pg_cron: it deletes duplicates, batch by batch, each committed. {…} are constants of the task.
DO $sluice$
DECLARE
  root pg_catalog.regclass := {table}::pg_catalog.regclass;
  stop pg_catalog.timestamptz := pg_catalog.clock_timestamp() + {budget}::pg_catalog.interval;
  b record;
  held boolean;
  family text[];
  is_late boolean := false;
BEGIN
  IF NOT pg_catalog.pg_try_advisory_lock({key}) THEN
    RAISE EXCEPTION 'another run of the task is under way' USING ERRCODE = '55P03';
  END IF;
  PERFORM pg_catalog.set_config('row_security', 'off', true);
  FOR b IN EXECUTE pg_catalog.format(
    'SELECT e.leaf, e.keeper, pg_catalog.pg_relation_filenode(e.leaf) AS leaf_file, pg_catalog.pg_relation_filenode(e.keeper) AS keeper_file, '
    'pg_catalog.array_agg(e.v) AS v, pg_catalog.array_agg(e.vx) AS vx, pg_catalog.array_agg(e.k) AS k, '
    'pg_catalog.array_agg(e.kx) AS kx FROM (SELECT d.*, (pg_catalog.row_number() OVER (PARTITION BY d.leaf, d.keeper) - 1) / %2$s AS part '
    'FROM (SELECT x.tableoid AS leaf, x.ctid AS v, x.xmin AS vx, pg_catalog.first_value(x.tableoid) OVER w AS keeper, '
    'pg_catalog.first_value(x.ctid) OVER w AS k, pg_catalog.first_value(x.xmin) OVER w AS kx, pg_catalog.row_number() OVER w AS n '
    'FROM %1$s AS x WHERE ' || {condition} || ' WINDOW w AS (PARTITION BY ' || {partition} || ' ORDER BY ' || {order} || ', x.tableoid, x.ctid)'
    ') AS d WHERE d.n > 1) AS e GROUP BY e.leaf, e.keeper, e.part', root, {batch_rows})
  LOOP
    is_late := pg_catalog.clock_timestamp() > stop;
    EXIT WHEN is_late;
    PERFORM pg_catalog.set_config('lock_timeout', {lock_timeout}, true), pg_catalog.set_config('enable_hashjoin', 'off', true),
      pg_catalog.set_config('enable_mergejoin', 'off', true), pg_catalog.set_config('row_security', 'off', true);
    EXECUTE pg_catalog.format(
      'LOCK TABLE ONLY %s, ONLY %s IN ROW EXCLUSIVE MODE', b.leaf::pg_catalog.regclass, b.keeper::pg_catalog.regclass);
    -- A table that was written anew has other rows in the places of those that were compared.
    IF pg_catalog.pg_relation_filenode(b.leaf) IS DISTINCT FROM b.leaf_file
      OR pg_catalog.pg_relation_filenode(b.keeper) IS DISTINCT FROM b.keeper_file
    THEN
      RAISE EXCEPTION 'the table % was written anew meanwhile (VACUUM FULL, CLUSTER); the next run compares its rows again', root
        USING ERRCODE = '40001';
    END IF;
    -- What was detached meanwhile is no part of the table, and keeps no row of it.
    IF EXISTS (
      SELECT FROM pg_catalog.unnest(ARRAY[b.leaf, b.keeper]) AS o WHERE root <> ALL (ARRAY(
        WITH RECURSIVE tree (oid) AS (
          SELECT o UNION SELECT i.inhparent FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = tree.oid
            WHERE (pg_catalog.to_jsonb(i) ->> 'inhdetachpending') IS DISTINCT FROM 'true'
        )
        SELECT tree.oid FROM tree)))
    THEN
      RAISE EXCEPTION 'a partition was detached from % meanwhile; the next run compares its rows again', root USING ERRCODE = '40001';
    END IF;
    {guards}
    EXECUTE pg_catalog.format(
      'WITH pair AS MATERIALIZED (SELECT p.v, p.vx, p.k, p.kx FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), '
      'pg_catalog.unnest($3), pg_catalog.unnest($4)) AS p (v, vx, k, kx)), kept AS MATERIALIZED (SELECT p.v, p.vx FROM pair AS p JOIN ONLY %2$s AS y '
      'ON y.ctid = p.k AND y.xmin = p.kx FOR SHARE OF y SKIP LOCKED) '
      'DELETE FROM ONLY %1$s AS x USING kept WHERE x.ctid = kept.v AND x.xmin = kept.vx',
      b.leaf::pg_catalog.regclass, b.keeper::pg_catalog.regclass)
    USING b.v, b.vx, b.k, b.kx;
    COMMIT;
    PERFORM pg_catalog.pg_sleep({pause});
  END LOOP;
  COMMIT;
  PERFORM pg_catalog.pg_advisory_unlock({key});
  IF is_late THEN
    RAISE EXCEPTION 'duplicates of % remain: the time was used up. What was deleted is committed; the next run goes on', root
      USING ERRCODE = '55000';
  END IF;
END
$sluice$
