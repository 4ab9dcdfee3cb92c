-- What is past its keep time, of one table or of all that have a policy: chunks and partitions, or the archived days of plain tables.
-- `since` is the latest moment since when the rows are known not to have changed: NULL where an archive does not tell, or the cluster is
-- another one by now.
CREATE OR REPLACE FUNCTION {schema}.retention_units(p_table regclass DEFAULT NULL)
RETURNS TABLE (
  table_oid regclass, unit regclass, day date, range_start text, range_end text, since xid8)
LANGUAGE plpgsql {entry_settings} AS $sluice$
#variable_conflict use_column
DECLARE
  p {schema}.retention_policy;
  o oid;
  t record;
  has_rows boolean;
  d record;
BEGIN
  {intact}
  FOR p IN SELECT r.* FROM {schema}.retention_policy r WHERE r.enabled ORDER BY r.table_schema, r.table_name LOOP
    SELECT k.oid INTO o FROM pg_catalog.pg_class k JOIN pg_catalog.pg_namespace n ON n.oid = k.relnamespace
    WHERE n.nspname = p.table_schema AND k.relname = p.table_name AND (p_table IS NULL OR k.oid = p_table);
    CONTINUE WHEN NOT FOUND;
    SELECT * INTO t FROM {schema}.table_facts(o);
    CONTINUE WHEN t.reason IS NOT NULL;
    IF t.kind <> 'plain' THEN
      RETURN QUERY
      SELECT o::regclass, k.unit::regclass, NULL::date, {schema}.time_text(k.low, t.column_type),
        {schema}.time_text(k.high, t.column_type),
        CASE WHEN p.require_archive THEN {schema}.compared_since(o, t, k.low, k.high) END
      FROM {schema}.units_of(o) k
      CROSS JOIN LATERAL (
        SELECT {schema}.day_last(pg_catalog.max(a.day)) AS last
        FROM {schema}.days_over(o, t.table_schema, t.table_name, t.column_name, t.column_type, k.low, k.high) a
      ) s
      WHERE COALESCE({schema}.time_instant(k.high, t.column_type, p.clock), s.last) <= pg_catalog.now() - p.keep
      ORDER BY k.high;
    ELSE
      CONTINUE WHEN p.require_archive IS FALSE AND t.column_type IN (20, 23);
      FOR d IN
        SELECT a.day, a.low, a.high, {schema}.compared_since(o, t, a.low, a.high) AS since
        FROM {schema}.days_over(o, t.table_schema, t.table_name, t.column_name, t.column_type, NULL, NULL) a
        WHERE COALESCE({schema}.time_instant(a.high, t.column_type, p.clock), {schema}.day_last(a.day))
          <= pg_catalog.now() - p.keep
        ORDER BY a.low
      LOOP
        EXECUTE pg_catalog.format(
          'SELECT EXISTS (SELECT FROM ONLY %s AS x WHERE x.%I >= %s AND x.%I < %s)', {schema}.relation_name(o), t.column_name,
          {schema}.time_literal(d.low, t.column_type), t.column_name, {schema}.time_literal(d.high, t.column_type))
        INTO has_rows;
        IF has_rows THEN
          RETURN QUERY SELECT o::regclass, NULL::regclass, d.day, {schema}.time_text(d.low, t.column_type),
            {schema}.time_text(d.high, t.column_type), d.since;
        END IF;
      END LOOP;
      -- Days of which nothing is known, with rows.
      CONTINUE WHEN t.column_type IN (20, 23);
      RETURN QUERY EXECUTE pg_catalog.format(
        'SELECT $1::regclass, NULL::regclass, x.day, NULL::text, NULL::text, NULL::xid8
         FROM (SELECT DISTINCT (x.%1$I%2$s)::pg_catalog.date AS day FROM ONLY %3$s AS x
           WHERE x.%1$I < $2::%4$s AND pg_catalog.isfinite(x.%1$I)) AS x
         WHERE NOT EXISTS (
           SELECT FROM %5$I.archived_day a
           WHERE a.table_schema = $3 AND a.table_name = $4 AND a.time_column = $5 AND a.day = x.day)
         ORDER BY x.day',
        t.column_name, CASE t.column_type WHEN 1184 THEN pg_catalog.format(' AT TIME ZONE %L', p.clock) ELSE '' END,
        {schema}.relation_name(o), pg_catalog.format_type(t.column_type, NULL), {schema_name})
      USING o,
        -- The midnight before which all days are past their keep time.
        CASE t.column_type
          WHEN 1184 THEN ((((pg_catalog.now() - p.keep) AT TIME ZONE p.clock)::date::timestamp) AT TIME ZONE p.clock)::text
          ELSE ((pg_catalog.now() - p.keep) AT TIME ZONE p.clock)::date::text
        END, t.table_schema, t.table_name, t.column_name;
    END IF;
  END LOOP;
END
$sluice$;

-- Retention by the database alone, as pg_cron runs it. A procedure that commits can be neither SECURITY DEFINER nor have settings of its own:
-- this one runs as its caller and with the caller's search path, so that each name and operator in it has its schema, and all
-- that needs the owner's rights is in the functions that it calls.
CREATE OR REPLACE PROCEDURE {schema}.enforce_retention_all()
LANGUAGE plpgsql SECURITY INVOKER AS $sluice$
#variable_conflict use_variable
DECLARE
  u pg_catalog.record;
  r pg_catalog.record;
BEGIN
  FOR u IN SELECT k.table_oid, k.unit, k.day, k.since FROM {schema}.retention_units() AS k LOOP
    BEGIN
      IF u.unit IS NOT NULL THEN
        SELECT d.outcome, d.reason INTO r FROM {schema}.drop_unit(u.table_oid, u.unit, u.since, false, 'enforce_retention_all') AS d;
      ELSE
        SELECT d.outcome, d.reason INTO r FROM {schema}.delete_rows(u.table_oid, u.day, u.since, false, 'enforce_retention_all') AS d;
      END IF;
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'retention of % failed: %', u.table_oid, SQLERRM;
    END;
    COMMIT;
  END LOOP;
END
$sluice$;
