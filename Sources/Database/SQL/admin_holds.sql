-- What keeps rows and archives whatever their age: the policy's own hold, those of people (the table hold), and those of restores (sluice.hold).
-- Whoever asks, for a unit or for an archive, asks here.
DROP FUNCTION IF EXISTS {schema}.check_holds(name, name, {schema}.retention_policy, timestamptz, timestamptz);
DROP FUNCTION IF EXISTS {schema}.check_restored(oid, record, bigint, bigint);

-- The relations whose holds keep p_relations: those, and the tables that they are parts of. Without p_relations: the table of that name, with
-- all its parts.
CREATE OR REPLACE FUNCTION {schema}.held_with(p_schema name, p_name name, p_relations oid[]) RETURNS oid[]
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  relations oid[] := COALESCE(p_relations, ARRAY(
    SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = p_schema AND c.relname = p_name));
BEGIN
  RETURN ARRAY(
    WITH RECURSIVE above AS (
      SELECT r FROM pg_catalog.unnest(relations) AS r
      UNION SELECT i.inhparent FROM above a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.r
    ), below AS (
      SELECT r FROM pg_catalog.unnest(relations) AS r WHERE p_relations IS NULL
      UNION SELECT i.inhrelid FROM below b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.r
    )
    SELECT a.r FROM above a UNION SELECT b.r FROM below b);
END
$sluice$;

-- Gives holds the names that their tables have by now: a copy of the database, in which relations have other OIDs, has the names alone.
CREATE OR REPLACE FUNCTION {schema}.rename_holds() RETURNS void LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  UPDATE {schema}.hold h SET table_schema = n.nspname, table_name = c.relname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = h.table_oid AND c.relkind IN ('r', 'p') AND h.released_at IS NULL
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_class k JOIN pg_catalog.pg_namespace m ON m.oid = k.relnamespace
      WHERE m.nspname = h.table_schema AND k.relname = h.table_name);
END
$sluice$;

-- The holds of people that have not ended, on a table or on what held_with names.
CREATE OR REPLACE FUNCTION {schema}.holds_on(p_schema name, p_name name, p_relations oid[] DEFAULT NULL)
RETURNS SETOF {schema}.hold LANGUAGE plpgsql {entry_settings} AS $sluice$
DECLARE
  relations oid[] := {schema}.held_with(p_schema, p_name, p_relations);
BEGIN
  {intact}
  RETURN QUERY
  SELECT k.* FROM {schema}.hold k
  WHERE k.released_at IS NULL AND (k.until IS NULL OR k.until > pg_catalog.clock_timestamp())
    AND (
      k.table_schema = p_schema AND k.table_name = p_name OR k.table_oid = ANY (relations)
      OR (k.table_schema, k.table_name) IN (
        SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = ANY (relations)))
  ORDER BY k.id;
END
$sluice$;

-- The hold that keeps the values of a table from p_low to before p_high, which are the instants from p_first to before p_last, in words; NULL where
-- none does. What has no instants, or no values, to compare is kept by each.
CREATE OR REPLACE FUNCTION {schema}.hold_over(
  p {schema}.retention_policy, p_schema name, p_name name, p_relations oid[], p_type oid, p_low bigint, p_high bigint,
  p_first timestamptz, p_last timestamptz
) RETURNS text LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  h record;
BEGIN
  IF p.hold_until > pg_catalog.clock_timestamp() THEN
    RETURN pg_catalog.format('the policy holds it until %s: %s', p.hold_until, p.hold_reason);
  END IF;
  SELECT k.id, k.reason INTO h FROM {schema}.holds_on(p_schema, p_name, p_relations) k
  WHERE (k.range_start IS NULL OR p_last IS NULL OR k.range_start < p_last)
    AND (k.range_end IS NULL OR p_first IS NULL OR k.range_end > p_first)
  LIMIT 1;
  IF FOUND THEN RETURN pg_catalog.format('hold %s: %s', h.id, h.reason); END IF;
  RETURN {schema}.restored_hold(p_schema, p_name, p_relations, p_type, p_low, p_high);
END
$sluice$;

-- The same of the holds that restores have placed, in a table of the role that restores. It is read only where no code of an untrusted role
-- could run by that. One that cannot be read may have any hold.
CREATE OR REPLACE FUNCTION {schema}.restored_hold(
  p_schema name, p_name name, p_relations oid[], p_type oid, p_low bigint, p_high bigint
) RETURNS text LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  c record;
  h record;
  relations oid[];
  why text := NULL;
BEGIN
  SELECT k.oid, k.relowner, pg_catalog.pg_get_userbyid(k.relowner) AS owner, pg_catalog.pg_get_userbyid(n.nspowner) AS schema_owner,
    d.datdba, pg_catalog.pg_get_userbyid(d.datdba) AS database_owner,
    k.relkind = 'r' AND NOT k.relrowsecurity AS is_plain,
    (r.rolsuper OR k.relowner = d.datdba OR pg_catalog.pg_has_role(current_user, k.relowner, 'USAGE'))
      AND {schema}.is_trusted(n.nspowner, k.relowner) AS is_trusted
  INTO c
  FROM pg_catalog.pg_class k JOIN pg_catalog.pg_namespace n ON n.oid = k.relnamespace
  JOIN pg_catalog.pg_roles r ON r.oid = k.relowner
  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
  WHERE n.nspname = 'sluice' AND k.relname = 'hold';
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF NOT c.is_trusted THEN
    why := pg_catalog.format(
      'sluice.hold belongs to %1$I, its schema to %2$I, and code of these must not run as %3$I. If restores have made it: '
        'ALTER SCHEMA sluice OWNER TO %4$I; ALTER TABLE sluice.hold OWNER TO %4$I; then sluice setup apply --part restore-log and --part retention; '
        'if not, remove it', c.owner, c.schema_owner, current_user, c.database_owner);
  ELSIF NOT c.is_plain THEN
    why := 'sluice.hold is no plain table, or has row security; rename it, and run sluice setup apply --part restore-log';
  ELSIF 8 <> (
    SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = c.oid AND NOT a.attisdropped AND (a.attname, a.atttypid) IN (
      ('schema_name', 25), ('table_name', 25), ('kind', 25), ('first_value', 25), ('end_value', 25), ('keep_until', 1184),
      ('ended_at', 1184), ('table_oid', 26)))
  THEN
    why := 'sluice.hold lacks columns, as that of an earlier version does; run sluice setup apply --part restore-log';
  ELSIF NOT (
    pg_catalog.has_schema_privilege(current_user, 'sluice', 'USAGE')
    AND pg_catalog.has_table_privilege(current_user, c.oid, 'SELECT'))
  THEN
    why := pg_catalog.format('GRANT USAGE ON SCHEMA sluice TO %1$I; GRANT SELECT ON sluice.hold TO %1$I', current_user);
  END IF;
  IF why IS NOT NULL THEN RETURN pg_catalog.format('the holds of restores cannot be read: %s', why); END IF;
  relations := {schema}.held_with(p_schema, p_name, p_relations);
  FOR h IN
    SELECT k.kind, k.first_value, k.end_value, k.keep_until FROM sluice.hold k
    WHERE k.ended_at IS NULL AND k.keep_until > pg_catalog.clock_timestamp()
      -- A dump that was read into another database has the OIDs of the first one.
      AND (k.schema_name = p_schema AND k.table_name = p_name OR k.table_oid = ANY (relations)
        OR (k.schema_name, k.table_name) IN (
          SELECT n.nspname, r.relname FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
          WHERE r.oid = ANY (relations)))
  LOOP
    -- Of a column of another type by now nothing is compared.
    IF h.kind IS DISTINCT FROM pg_catalog.format_type(p_type, NULL)
      OR (p_high IS NULL OR {schema}.time_value(h.first_value, p_type) < p_high)
        AND (p_low IS NULL OR {schema}.time_value(h.end_value, p_type) > p_low)
    THEN
      RETURN pg_catalog.format('a restore keeps its rows until %s', h.keep_until);
    END IF;
  END LOOP;
  RETURN NULL;
END
$sluice$;

-- The hold that keeps the archive of a day of a table, in words; NULL where none does. p_first and p_last are the archive's own instants, where they
-- are known: a day is of the zone in which it was archived. Where the column has no zone its values are those of the policy's clock. A restore's
-- hold keeps all archives of its table.
CREATE OR REPLACE FUNCTION {schema}.held(
  p_schema name, p_name name, p_day date, p_first timestamptz DEFAULT NULL, p_last timestamptz DEFAULT NULL
) RETURNS text LANGUAGE plpgsql {entry_settings} AS $sluice$
DECLARE
  p {schema}.retention_policy;
  clock text;
BEGIN
  {intact}
  SELECT * INTO p FROM {schema}.retention_policy r WHERE r.table_schema = p_schema AND r.table_name = p_name;
  clock := COALESCE(p.clock, 'UTC');
  RETURN {schema}.hold_over(
    p, p_schema, p_name, NULL, NULL, NULL, NULL,
    LEAST({schema}.day_first(p_day, p_first), p_day::timestamp AT TIME ZONE clock),
    GREATEST({schema}.day_last(p_day, p_last), (p_day + 1)::timestamp AT TIME ZONE clock));
END
$sluice$;

-- Where it is not known in which zone a day was archived: it begins at most 14 hours before midnight UTC, and ends at most 14 hours after the next one.
CREATE OR REPLACE FUNCTION {schema}.day_first(p_day date, p_known timestamptz DEFAULT NULL) RETURNS timestamptz
LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  RETURN COALESCE(p_known, p_day::timestamp AT TIME ZONE 'UTC' - interval '14 hours');
END
$sluice$;

CREATE OR REPLACE FUNCTION {schema}.day_last(p_day date, p_known timestamptz DEFAULT NULL) RETURNS timestamptz
LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  RETURN COALESCE(p_known, (p_day + 1)::timestamp AT TIME ZONE 'UTC' + interval '14 hours');
END
$sluice$;
