-- Ends the work on a unit with a verdict; the caller's subtransaction, and its locks with it, is rolled back.
CREATE OR REPLACE FUNCTION {schema}.verdict(p_outcome text, p_reason text, p_detail text) RETURNS void
LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  RAISE EXCEPTION USING ERRCODE = CASE p_outcome WHEN 'refused' THEN 'SLREF' ELSE 'SLKEP' END, MESSAGE = p_reason,
    DETAIL = COALESCE(p_detail, '');
END
$sluice$;

-- A value of a time column as a number: microseconds since 1970-01-01 on the clock that the value shows, or the integer itself.
-- NULL for infinity.
CREATE OR REPLACE FUNCTION {schema}.time_value(p_value text, p_type oid) RETURNS bigint
LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  IF p_type IN (20, 23) THEN
    RETURN p_value::bigint;
  ELSIF p_type = 1184 THEN
    IF pg_catalog.isfinite(p_value::timestamptz) THEN
      RETURN (EXTRACT(epoch FROM p_value::timestamptz) * 1000000)::bigint;
    END IF;
  ELSIF p_type IN (1114, 1082) THEN
    IF pg_catalog.isfinite(p_value::timestamp) THEN
      RETURN (EXTRACT(epoch FROM p_value::timestamp) * 1000000)::bigint;
    END IF;
  ELSE
    RAISE EXCEPTION 'type % has no days', pg_catalog.format_type(p_type, NULL) USING ERRCODE = '0A000';
  END IF;
  RETURN NULL;
END
$sluice$;

-- The text of such a number, as a value of the type.
CREATE OR REPLACE FUNCTION {schema}.time_text(p_value bigint, p_type oid) RETURNS text
LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  RETURN CASE
    WHEN p_type IN (20, 23) THEN p_value::text
    WHEN p_type = 1184 THEN (timestamptz 'epoch' + p_value * interval '1 microsecond')::text
    WHEN p_type = 1114 THEN (timestamp 'epoch' + p_value * interval '1 microsecond')::text
    WHEN p_type = 1082 THEN (timestamp 'epoch' + p_value * interval '1 microsecond')::date::text
  END;
END
$sluice$;

-- The text of such a number, as SQL that has the type.
CREATE OR REPLACE FUNCTION {schema}.time_literal(p_value bigint, p_type oid) RETURNS text
LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  RETURN pg_catalog.format('%L::%s', {schema}.time_text(p_value, p_type), pg_catalog.format_type(p_type, NULL));
END
$sluice$;

-- The instant of such a number; NULL for an integer. A column without a zone shows the policy's clock.
CREATE OR REPLACE FUNCTION {schema}.time_instant(p_value bigint, p_type oid, p_clock text) RETURNS timestamptz
LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  RETURN CASE
    WHEN p_type = 1184 THEN timestamptz 'epoch' + p_value * interval '1 microsecond'
    WHEN p_type IN (1114, 1082) THEN (timestamp 'epoch' + p_value * interval '1 microsecond') AT TIME ZONE p_clock
  END;
END
$sluice$;

-- The name of a relation as SQL writes it, by its OID.
CREATE OR REPLACE FUNCTION {schema}.relation_name(p_relation oid) RETURNS text
LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  RETURN (
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = p_relation);
END
$sluice$;

-- The same of a relation that is there; one that another session has dropped meanwhile keeps its unit from being one.
CREATE OR REPLACE FUNCTION {schema}.present_name(p_relation oid) RETURNS text
LANGUAGE plpgsql {settings} AS $sluice$
DECLARE
  name text := {schema}.relation_name(p_relation);
BEGIN
  IF name IS NULL THEN PERFORM {schema}.verdict('kept', 'locked', 'another session has dropped it meanwhile'); END IF;
  RETURN name;
END
$sluice$;

-- Refuses a table that is not one of those that are looked after. `kind` is hypertable, partitioned or plain. The schemas of all
-- names that are used later must belong to roles that are trusted anyway: who owns a schema can rename it and put another in its place.
CREATE OR REPLACE FUNCTION {schema}.table_facts(
  p_table oid, OUT table_schema name, OUT table_name name, OUT kind text, OUT column_name name, OUT column_type oid,
  OUT hypertable int, OUT reason text
) LANGUAGE plpgsql {settings} AS $sluice$
#variable_conflict use_variable
DECLARE
  c record;
  computed boolean := false;
BEGIN
  SELECT n.nspname, k.relname, k.relkind, k.relowner, k.relpersistence, n.nspowner, d.datdba INTO c
  FROM pg_catalog.pg_class k JOIN pg_catalog.pg_namespace n ON n.oid = k.relnamespace
  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
  WHERE k.oid = p_table;
  IF NOT FOUND THEN
    reason := 'no_table';
    RETURN;
  END IF;
  table_schema := c.nspname;
  table_name := c.relname;
  IF NOT EXISTS (SELECT FROM {schema}.allowed_schema a WHERE a.schema_name = c.nspname) THEN
    reason := 'schema_not_allowed';
  ELSIF c.relkind NOT IN ('r', 'p') OR c.relpersistence = 't' THEN
    reason := 'not_a_table';
  ELSIF NOT pg_catalog.pg_has_role(current_user, c.relowner, 'USAGE') THEN
    reason := 'not_owner';
  ELSIF NOT {schema}.is_trusted(c.nspowner, c.relowner) THEN
    reason := 'schema_not_trusted';
  END IF;
  IF reason IS NOT NULL THEN RETURN; END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'timescaledb') THEN
    -- The caller's settings must not hide rows.
    PERFORM pg_catalog.set_config('timescaledb.enable_transparent_decompression', 'on', true),
      pg_catalog.set_config('timescaledb.enable_optimizations', 'on', true);
    SELECT h.id, d.column_name, d.column_type::oid, d.partitioning_func IS NOT NULL
    INTO hypertable, column_name, column_type, computed
    FROM _timescaledb_catalog.hypertable h JOIN _timescaledb_catalog.dimension d ON d.hypertable_id = h.id
    WHERE h.schema_name = c.nspname AND h.table_name = c.relname AND d.num_slices IS NULL
    ORDER BY d.id LIMIT 1;
  END IF;
  IF hypertable IS NOT NULL THEN
    kind := 'hypertable';
  ELSIF c.relkind = 'p' THEN
    kind := 'partitioned';
    SELECT a.attname, a.atttypid INTO column_name, column_type
    FROM pg_catalog.pg_partitioned_table p
    JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = p_table AND p.partstrat = 'r' AND p.partnatts = 1 AND p.partattrs[0] > 0;
  ELSE
    kind := 'plain';
    SELECT p.time_column INTO column_name FROM {schema}.retention_policy p
    WHERE p.table_schema = c.nspname AND p.table_name = c.relname;
    IF NOT FOUND THEN
      reason := 'no_policy';
      RETURN;
    END IF;
    SELECT a.atttypid INTO column_type FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = p_table AND a.attname = column_name AND a.attnum > 0 AND NOT a.attisdropped;
  END IF;
  WHILE EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid = column_type AND t.typtype = 'd') LOOP
    SELECT t.typbasetype INTO column_type FROM pg_catalog.pg_type t WHERE t.oid = column_type;
  END LOOP;
  IF column_type IS NULL OR column_type NOT IN (20, 23, 1082, 1114, 1184) OR computed THEN reason := 'no_time_column'; END IF;
END
$sluice$;

-- Whether the owner of a schema may be trusted with the names in it: the functions' owner or a role whose rights it has, the owner of
-- the table, the owner of the database, or a superuser.
CREATE OR REPLACE FUNCTION {schema}.is_trusted(p_schema_owner oid, p_table_owner oid) RETURNS boolean
LANGUAGE plpgsql {settings} AS $sluice$
BEGIN
  RETURN p_schema_owner = p_table_owner OR pg_catalog.pg_has_role(current_user, p_schema_owner, 'USAGE')
    OR EXISTS (
      SELECT FROM pg_catalog.pg_roles r WHERE r.oid = p_schema_owner AND (r.rolsuper OR r.rolname = 'pg_database_owner'))
    OR EXISTS (
      SELECT FROM pg_catalog.pg_database d
      WHERE d.datname = pg_catalog.current_database() AND d.datdba = p_schema_owner);
END
$sluice$;

-- The chunks of a hypertable that are there, with the relations that hold their compressed rows.
CREATE OR REPLACE FUNCTION {schema}.chunks_of(p_hypertable int)
RETURNS TABLE (chunk oid, status int, is_foreign boolean, low bigint, high bigint, compressed oid)
LANGUAGE plpgsql {settings} AS $sluice$
#variable_conflict use_column
DECLARE
  dimension int := (
    SELECT d.id FROM _timescaledb_catalog.dimension d WHERE d.hypertable_id = p_hypertable AND d.num_slices IS NULL
    ORDER BY d.id LIMIT 1);
BEGIN
  IF EXISTS (
    SELECT FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = '_timescaledb_catalog.chunk'::regclass AND a.attname = 'relid' AND NOT a.attisdropped
  ) THEN
    RETURN QUERY
    SELECT k.oid, c.status, c.osm_chunk OR k.relkind = 'f', s.range_start, s.range_end, x.compress_relid::oid
    FROM _timescaledb_catalog.dimension_slice s
    JOIN _timescaledb_catalog.chunk c ON c.id = s.chunk_id
    JOIN pg_catalog.pg_class k ON k.oid = c.relid
    LEFT JOIN _timescaledb_catalog.compression_settings x ON x.relid = c.relid
    WHERE s.dimension_id = dimension;
  ELSE
    RETURN QUERY
    SELECT k.oid, c.status, c.osm_chunk OR k.relkind = 'f', s.range_start, s.range_end, zk.oid
    FROM _timescaledb_catalog.dimension_slice s
    JOIN _timescaledb_catalog.chunk_constraint cc ON cc.dimension_slice_id = s.id
    JOIN _timescaledb_catalog.chunk c ON c.id = cc.chunk_id
    JOIN pg_catalog.pg_namespace n ON n.nspname = c.schema_name
    JOIN pg_catalog.pg_class k ON k.relnamespace = n.oid AND k.relname = c.table_name
    LEFT JOIN _timescaledb_catalog.chunk z ON z.id = c.compressed_chunk_id
    LEFT JOIN pg_catalog.pg_namespace zn ON zn.nspname = z.schema_name
    LEFT JOIN pg_catalog.pg_class zk ON zk.relnamespace = zn.oid AND zk.relname = z.table_name
    WHERE s.dimension_id = dimension;
  END IF;
END
$sluice$;

-- A chunk with those that share its range, or a partition with its own partitions: its range, and the relations that hold its rows.
-- An open end is NULL. Queries read nothing of the own heaps of `sealed` chunks: all their rows are compressed.
DROP FUNCTION IF EXISTS {schema}.unit_facts(oid, oid, text, oid, int);
CREATE OR REPLACE FUNCTION {schema}.unit_facts(
  p_table oid, p_unit oid, p_kind text, p_type oid, p_hypertable int,
  OUT low bigint, OUT high bigint, OUT parts oid[], OUT heaps oid[], OUT sealed oid[], OUT is_compressed boolean, OUT bytes bigint,
  OUT reason text
) LANGUAGE plpgsql {settings} AS $sluice$
#variable_conflict use_variable
DECLARE
  bounds text;
  low_text text;
  high_text text;
  c record;
BEGIN
  is_compressed := false;
  IF p_kind = 'hypertable' THEN
    SELECT k.low, k.high INTO low, high FROM {schema}.chunks_of(p_hypertable) k WHERE k.chunk = p_unit;
    IF NOT FOUND THEN
      reason := 'not_a_unit';
      RETURN;
    END IF;
    SELECT pg_catalog.array_agg(k.chunk ORDER BY k.chunk), pg_catalog.array_agg(k.chunk ORDER BY k.chunk)
        OPERATOR(pg_catalog.||) COALESCE(pg_catalog.array_agg(k.compressed ORDER BY k.chunk) FILTER (WHERE k.compressed IS NOT NULL), '{}'),
      pg_catalog.array_agg(k.chunk) FILTER (WHERE k.status & 9 = 1),
      pg_catalog.bool_or(k.status & 1 <> 0),
      CASE WHEN pg_catalog.bool_or(k.is_foreign) THEN 'not_a_unit' END
    INTO parts, heaps, sealed, is_compressed, reason
    FROM {schema}.chunks_of(p_hypertable) k WHERE k.low = low AND k.high = high;
    IF low = -9223372036854775808 THEN low := NULL; END IF;
    IF high = 9223372036854775807 THEN high := NULL; END IF;
  ELSE
    -- With the OID of the partition pg_get_expr would wait for its lock.
    SELECT pg_catalog.pg_get_expr(k.relpartbound, 0) INTO bounds
    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class k ON k.oid = i.inhrelid
    WHERE i.inhparent = p_table AND i.inhrelid = p_unit AND NOT i.inhdetachpending;
    IF bounds IS NULL OR bounds NOT LIKE 'FOR VALUES FROM (%) TO (%)' THEN
      reason := 'not_a_unit';
      RETURN;
    END IF;
    low_text := pg_catalog.btrim(pg_catalog.split_part(pg_catalog.substr(bounds, 18), ') TO (', 1), '''');
    high_text := pg_catalog.btrim(pg_catalog.split_part(pg_catalog.substr(bounds, 18), ') TO (', 2), ''')');
    IF low_text <> 'MINVALUE' THEN low := {schema}.time_value(low_text, p_type); END IF;
    IF high_text <> 'MAXVALUE' THEN high := {schema}.time_value(high_text, p_type); END IF;
    SELECT pg_catalog.array_agg(t.relid::oid), pg_catalog.array_agg(t.relid::oid) FILTER (WHERE t.isleaf)
    INTO parts, heaps FROM pg_catalog.pg_partition_tree(p_unit) t;
    IF heaps IS NULL THEN heaps := '{}'; END IF;
  END IF;
  FOR c IN
    SELECT k.relkind, k.relowner, n.nspowner, k.relpersistence
    FROM pg_catalog.pg_class k JOIN pg_catalog.pg_namespace n ON n.oid = k.relnamespace
    WHERE k.oid = ANY (parts)
  LOOP
    IF c.relkind NOT IN ('r', 'p') OR c.relpersistence = 't' THEN reason := 'not_a_unit'; END IF;
    IF NOT pg_catalog.pg_has_role(current_user, c.relowner, 'USAGE') THEN reason := 'not_owner'; END IF;
    IF p_kind = 'partitioned' AND NOT {schema}.is_trusted(c.nspowner, c.relowner) THEN reason := 'schema_not_trusted'; END IF;
  END LOOP;
  SELECT pg_catalog.sum(pg_catalog.pg_total_relation_size(r))::bigint INTO bytes FROM pg_catalog.unnest(heaps) r;
END
$sluice$;
