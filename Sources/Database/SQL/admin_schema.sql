-- The schema and its tables. What stands there already is used only where it belongs to the owner role, since the functions read it
-- with the owner's rights.
SET LOCAL search_path = pg_catalog, pg_temp;
DO $sluice$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) {owner_name}) THEN
    RAISE EXCEPTION 'the role % does not exist', {owner_name} USING ERRCODE = '42704';
  END IF;
  IF EXISTS (
    SELECT FROM pg_catalog.pg_namespace n
    WHERE n.nspname OPERATOR(pg_catalog.=) {schema_name} AND pg_catalog.pg_get_userbyid(n.nspowner) OPERATOR(pg_catalog.<>) {owner_name}
  ) THEN
    RAISE EXCEPTION 'the schema % belongs to another role than %', {schema_name}, {owner_name} USING ERRCODE = '42501';
  END IF;
  -- A function or table of another role in the schema would be read or called with the owner's rights.
  IF EXISTS (
    SELECT FROM pg_catalog.pg_namespace n
    JOIN (
      SELECT p.pronamespace AS namespace, p.proowner AS owner FROM pg_catalog.pg_proc p
      UNION ALL SELECT c.relnamespace, c.relowner FROM pg_catalog.pg_class c
      UNION ALL SELECT t.typnamespace, t.typowner FROM pg_catalog.pg_type t
    ) AS o ON o.namespace OPERATOR(pg_catalog.=) n.oid
    WHERE n.nspname OPERATOR(pg_catalog.=) {schema_name} AND pg_catalog.pg_get_userbyid(o.owner) OPERATOR(pg_catalog.<>) {owner_name}
  ) THEN
    RAISE EXCEPTION 'the schema % holds objects of other roles than %', {schema_name}, {owner_name} USING ERRCODE = '42501';
  END IF;
  IF EXISTS (
    SELECT FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE n.nspname OPERATOR(pg_catalog.=) {schema_name} AND NOT t.tgisinternal
  ) THEN
    RAISE EXCEPTION 'tables of the schema % have triggers, which would run as %', {schema_name}, {owner_name} USING ERRCODE = '42501';
  END IF;
  -- Who reads or writes these tables would run code of theirs. Functions of pg_catalog are in no dependency.
  IF EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE n.nspname OPERATOR(pg_catalog.=) {schema_name}
      AND c.relname OPERATOR(pg_catalog.=) ANY (ARRAY[
        'allowed_schema', 'retention_policy', 'hold', 'archived_day', 'chunk_maintenance_log', 'cluster']::pg_catalog.name[])
      AND (
        c.relkind OPERATOR(pg_catalog.<>) 'r' OR c.relrowsecurity
        OR EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class OPERATOR(pg_catalog.=) c.oid)
        OR EXISTS (
          SELECT FROM pg_catalog.pg_attribute a
          JOIN pg_catalog.pg_type y ON y.oid OPERATOR(pg_catalog.=) a.atttypid
          JOIN pg_catalog.pg_namespace m ON m.oid OPERATOR(pg_catalog.=) y.typnamespace
          WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
            AND m.nspname OPERATOR(pg_catalog.<>) 'pg_catalog')
        OR EXISTS (
          SELECT FROM pg_catalog.pg_depend d
          WHERE d.refclassid OPERATOR(pg_catalog.=) ANY (ARRAY[
              'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass]::pg_catalog.oid[])
            AND d.objid OPERATOR(pg_catalog.=) ANY (ARRAY(
              SELECT k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid OPERATOR(pg_catalog.=) c.oid
              UNION ALL SELECT f.oid FROM pg_catalog.pg_attrdef f WHERE f.adrelid OPERATOR(pg_catalog.=) c.oid
              UNION ALL SELECT x.indexrelid FROM pg_catalog.pg_index x WHERE x.indrelid OPERATOR(pg_catalog.=) c.oid))))
  ) THEN
    RAISE EXCEPTION 'tables of the schema % are not as this script makes them: they would run code of %', {schema_name}, {owner_name}
      USING ERRCODE = '42501';
  END IF;
END
$sluice$;

-- The functions obey the holds that restores have placed, where whoever runs this may grant that.
DO $sluice$
BEGIN
  IF EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE n.nspname OPERATOR(pg_catalog.=) 'sluice' AND c.relname OPERATOR(pg_catalog.=) 'hold' AND c.relkind OPERATOR(pg_catalog.=) 'r'
      AND pg_catalog.pg_has_role(c.relowner, 'USAGE') AND pg_catalog.pg_has_role(n.nspowner, 'USAGE')
  ) THEN
    GRANT USAGE ON SCHEMA sluice TO {owner};
    GRANT SELECT ON sluice.hold TO {owner};
  END IF;
END
$sluice$;

-- What is there: the last part takes away what default privileges give of the rest.
DO $sluice$
BEGIN
  PERFORM pg_catalog.set_config('sluice.known', COALESCE(pg_catalog.array_agg(o.oid), '{}')::text, true)
  FROM (
    SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) {schema_name}
    UNION ALL
    SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace(pg_catalog.quote_ident({schema_name}))
    UNION ALL
    SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace(pg_catalog.quote_ident({schema_name}))
  ) AS o;
END
$sluice$;

CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner};
SET LOCAL ROLE {owner};

CREATE TABLE IF NOT EXISTS {schema}.allowed_schema (schema_name pg_catalog.name PRIMARY KEY);

CREATE TABLE IF NOT EXISTS {schema}.retention_policy (
  table_schema pg_catalog.name NOT NULL,
  table_name pg_catalog.name NOT NULL,
  time_column pg_catalog.name,
  keep pg_catalog.interval NOT NULL,
  minimum_age pg_catalog.interval NOT NULL DEFAULT '7 days',
  require_archive pg_catalog.bool NOT NULL DEFAULT true,
  -- The time zone of days, and of columns without one.
  clock pg_catalog.text NOT NULL DEFAULT 'UTC',
  hold_until pg_catalog.timestamptz,
  hold_reason pg_catalog.text,
  keep_archives pg_catalog.interval,
  enabled pg_catalog.bool NOT NULL DEFAULT true,
  -- A unit that ends within a day stays. If false, it may go where the rest of the day is accounted for.
  whole_days pg_catalog.bool NOT NULL DEFAULT true,
  changed_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
  changed_by pg_catalog.name NOT NULL DEFAULT session_user,
  PRIMARY KEY (table_schema, table_name),
  -- Compared on a day before which the month is the shortest one.
  CHECK (timestamp '2001-03-01' - minimum_age < timestamp '2001-03-01'),
  CHECK (timestamp '2001-03-01' - keep <= timestamp '2001-03-01' - minimum_age),
  CHECK (keep_archives IS NULL OR timestamp '2001-03-01' - keep_archives < timestamp '2001-03-01'),
  CHECK (hold_until IS NULL OR pg_catalog.btrim(COALESCE(hold_reason, '')) <> '')
);

CREATE TABLE IF NOT EXISTS {schema}.hold (
  id pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  table_schema pg_catalog.name NOT NULL,
  table_name pg_catalog.name NOT NULL,
  -- NULL: without a limit.
  range_start pg_catalog.timestamptz,
  range_end pg_catalog.timestamptz,
  reason pg_catalog.text NOT NULL CHECK (pg_catalog.btrim(reason) <> ''),
  placed_by pg_catalog.name NOT NULL DEFAULT session_user,
  placed_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
  until pg_catalog.timestamptz,
  released_at pg_catalog.timestamptz,
  released_by pg_catalog.name,
  CHECK (range_start < range_end)
);
-- The table may be renamed. NULL in rows of earlier versions whose table is gone.
ALTER TABLE {schema}.hold ADD COLUMN IF NOT EXISTS table_oid pg_catalog.oid;
UPDATE {schema}.hold h SET reason = pg_catalog.left(h.reason, 2000) WHERE pg_catalog.length(h.reason) > 2000;
UPDATE {schema}.retention_policy p SET hold_reason = pg_catalog.left(p.hold_reason, 2000) WHERE pg_catalog.length(p.hold_reason) > 2000;
UPDATE {schema}.hold h SET table_oid = c.oid
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = h.table_schema AND c.relname = h.table_name AND h.released_at IS NULL
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_class k WHERE k.oid = h.table_oid);

CREATE TABLE IF NOT EXISTS {schema}.archived_day (
  table_schema pg_catalog.name NOT NULL,
  table_name pg_catalog.name NOT NULL,
  day pg_catalog.date NOT NULL,
  time_column pg_catalog.name,
  -- The values of the time column, as the manifest has them.
  span_start pg_catalog.text,
  span_end pg_catalog.text,
  rows pg_catalog.int8,
  rows_hash pg_catalog.text,
  sha256 pg_catalog.text,
  archive_path pg_catalog.text,
  verified_at pg_catalog.timestamptz,
  -- All transactions before it had ended when the rows were read for the hash; NULL where that is not known.
  snapshot_xmin pg_catalog.xid8,
  PRIMARY KEY (table_schema, table_name, day)
);

-- The relation whose rows were copied into the archive, or compared with it. Another one may have the name by now; of what an earlier version has
-- recorded it is not known.
ALTER TABLE {schema}.archived_day ADD COLUMN IF NOT EXISTS table_oid pg_catalog.oid;

CREATE TABLE IF NOT EXISTS {schema}.chunk_maintenance_log (
  id pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  caller pg_catalog.name NOT NULL DEFAULT session_user,
  as_role pg_catalog.name NOT NULL DEFAULT current_user,
  action pg_catalog.text NOT NULL
    CHECK (action IN ('drop_chunk', 'drop_partition', 'delete_rows', 'hold', 'release', 'policy')),
  table_schema pg_catalog.name,
  table_name pg_catalog.name,
  unit pg_catalog.text,
  range_start pg_catalog.text,
  range_end pg_catalog.text,
  rows pg_catalog.int8,
  bytes pg_catalog.int8,
  archives pg_catalog.jsonb,
  outcome pg_catalog.text,
  reason pg_catalog.text,
  error pg_catalog.text,
  note pg_catalog.text
);
CREATE INDEX IF NOT EXISTS chunk_maintenance_log_table ON {schema}.chunk_maintenance_log (table_schema, table_name, at);
-- When the lake's audit chain had the line. What an earlier version of this schema has logged counts as written.
ALTER TABLE {schema}.chunk_maintenance_log
  ADD COLUMN IF NOT EXISTS audited_at pg_catalog.timestamptz DEFAULT pg_catalog.now();
ALTER TABLE {schema}.chunk_maintenance_log ALTER COLUMN audited_at DROP DEFAULT;
-- The transaction that has logged it: the row's own is a later one once it is marked. NULL in what an earlier version has logged.
ALTER TABLE {schema}.chunk_maintenance_log ADD COLUMN IF NOT EXISTS transaction pg_catalog.xid8;
ALTER TABLE {schema}.chunk_maintenance_log ALTER COLUMN transaction SET DEFAULT pg_catalog.pg_current_xact_id();
CREATE INDEX IF NOT EXISTS chunk_maintenance_log_unaudited ON {schema}.chunk_maintenance_log (id) WHERE audited_at IS NULL;

-- Transaction ids and OIDs mean nothing in another cluster, into which a dump may bring archived_day.
CREATE TABLE IF NOT EXISTS {schema}.cluster (system_identifier pg_catalog.int8 PRIMARY KEY);
UPDATE {schema}.archived_day SET snapshot_xmin = NULL, table_oid = NULL
WHERE (snapshot_xmin IS NOT NULL OR table_oid IS NOT NULL) AND NOT EXISTS (
  SELECT FROM {schema}.cluster c WHERE c.system_identifier = (pg_catalog.pg_control_system()).system_identifier);
DELETE FROM {schema}.cluster c WHERE c.system_identifier <> (pg_catalog.pg_control_system()).system_identifier;
INSERT INTO {schema}.cluster SELECT c.system_identifier FROM pg_catalog.pg_control_system() c ON CONFLICT DO NOTHING;
