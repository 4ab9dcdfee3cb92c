-- A part of a maintenance task for pg_cron: what keeps the table, asked in each batch. {…} are constants of the task.
IF pg_catalog.to_regprocedure({holds_on} || '(name,name,oid[])') IS NOT NULL THEN
  EXECUTE 'SELECT EXISTS (SELECT FROM ' || {holds_on} || '($1, $2))' INTO held USING {schema}::pg_catalog.name, {name}::pg_catalog.name;
  IF held THEN RAISE EXCEPTION 'a hold keeps the table %', root USING ERRCODE = '55006'; END IF;
END IF;
IF pg_catalog.to_regclass('sluice.hold') IS NOT NULL THEN
  EXECUTE 'SELECT EXISTS (SELECT FROM sluice.hold AS h WHERE h.ended_at IS NULL AND h.schema_name = $1 AND h.table_name = $2 '
    'AND h.keep_until > pg_catalog.clock_timestamp())' INTO held USING {schema}::text, {name}::text;
  IF held THEN RAISE EXCEPTION 'a restore keeps rows of the table %', root USING ERRCODE = '55006'; END IF;
END IF;
IF {is_by_age} AND pg_catalog.to_regclass({policies}) IS NOT NULL THEN
  EXECUTE 'SELECT EXISTS (SELECT FROM ' || {policies} || ' AS p WHERE p.table_schema = $1 AND p.table_name = $2 AND p.require_archive)'
    INTO held USING {schema}::text, {name}::text;
  IF held THEN RAISE EXCEPTION 'the retention policy of % lets nothing go that no archive holds', root USING ERRCODE = '55006'; END IF;
END IF;
-- What a deletion would do to other tables, or have done in its place.
IF EXISTS (
  WITH RECURSIVE tree (oid) AS (
    SELECT root::pg_catalog.oid UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.oid
  )
  SELECT FROM tree WHERE EXISTS (
      SELECT FROM pg_catalog.pg_constraint AS f
      WHERE f.contype = 'f' AND f.confrelid = tree.oid AND f.confdeltype IN ('c', 'n', 'd')
        AND f.conrelid NOT IN (SELECT t.oid FROM tree AS t))
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite AS w WHERE w.ev_class = tree.oid AND w.ev_type = '4')
) THEN
  RAISE EXCEPTION 'a deletion from % would change other tables, or run a rule', root USING ERRCODE = '0A000';
END IF;
