-- A part of a maintenance task for pg_cron: what keeps the table, asked in each batch. {…} are constants of the task.
IF pg_catalog.to_regprocedure({holds_on} || '(name,name,oid[])') IS NOT NULL THEN
  EXECUTE 'SELECT EXISTS (SELECT FROM ' || {holds_on} || '($1, $2))' INTO held USING {schema}::pg_catalog.name, {name}::pg_catalog.name;
  IF held THEN RAISE EXCEPTION 'a hold keeps the table %', root USING ERRCODE = '55006'; END IF;
END IF;
-- The table, those above and those below it: what keeps one of them keeps its rows too.
WITH RECURSIVE up (oid) AS (
  SELECT root::pg_catalog.oid UNION SELECT i.inhparent FROM up JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = up.oid
), down (oid) AS (
  SELECT root::pg_catalog.oid UNION SELECT i.inhrelid FROM down JOIN pg_catalog.pg_inherits AS i ON i.inhparent = down.oid
)
SELECT pg_catalog.array_agg(c.oid::text || ' ' || pg_catalog.format('%I.%I', n.nspname, c.relname)) INTO family
FROM (SELECT up.oid FROM up UNION SELECT down.oid FROM down) AS o JOIN pg_catalog.pg_class AS c ON c.oid = o.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace;
IF pg_catalog.to_regclass('sluice.hold') IS NOT NULL THEN
  EXECUTE 'SELECT EXISTS (SELECT FROM sluice.hold AS h, pg_catalog.unnest($1) AS f WHERE h.ended_at IS NULL '
    'AND (pg_catalog.format(''%I.%I'', h.schema_name, h.table_name) = pg_catalog.substr(f, pg_catalog.strpos(f, '' '') + 1) '
    'OR pg_catalog.to_jsonb(h) ->> ''table_oid'' = pg_catalog.split_part(f, '' '', 1)) '
    'AND h.keep_until > pg_catalog.clock_timestamp())' INTO held USING family;
  IF held THEN RAISE EXCEPTION 'a restore keeps rows of the table %', root USING ERRCODE = '55006'; END IF;
END IF;
IF {is_by_age} AND pg_catalog.to_regclass({policies}) IS NOT NULL THEN
  EXECUTE 'SELECT EXISTS (SELECT FROM ' || {policies} || ' AS p, pg_catalog.unnest($1) AS f WHERE p.require_archive '
    'AND pg_catalog.format(''%I.%I'', p.table_schema, p.table_name) = pg_catalog.substr(f, pg_catalog.strpos(f, '' '') + 1))'
    INTO held USING family;
  IF held THEN RAISE EXCEPTION 'the retention policy of % lets nothing go that no archive holds', root USING ERRCODE = '55006'; END IF;
END IF;
-- What a deletion would do to other tables, or have done in its place.
IF EXISTS (
  WITH RECURSIVE tree (oid) AS (
    SELECT root::pg_catalog.oid UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.oid
  )
  SELECT FROM tree WHERE EXISTS (
      SELECT FROM pg_catalog.pg_constraint AS f
      WHERE f.contype = 'f' AND f.confrelid = tree.oid AND f.confdeltype IN ('c', 'n', 'd'))
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite AS w WHERE w.ev_class = tree.oid AND w.ev_type = '4')
) THEN
  RAISE EXCEPTION 'a deletion from % would change other tables, or run a rule', root USING ERRCODE = '0A000';
END IF;
