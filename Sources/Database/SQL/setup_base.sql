-- Makes the schema and the two tables in which the setup notes what it has made. Their owner is the database's owner, whom the program
-- trusts. It refuses tables in which another role could have left code: they are written to with an administrator's rights.
DO {{tag}}
DECLARE
  database_owner pg_catalog.name;
  table_name pg_catalog.text;
  is_new pg_catalog.bool;
BEGIN
  -- One setup at a time; one that comes second sees what the first has made.
  PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('sluice.setup', 0));
  SELECT r.rolname INTO STRICT database_owner
  FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba
  WHERE d.datname = pg_catalog.current_database();
  IF NOT pg_catalog.pg_has_role(current_user, database_owner, 'USAGE') THEN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = pg_catalog.format(
      'the setup keeps its notes in tables of the owner of the database, %I; run it as that role, or as one that inherits its rights',
      database_owner);
  END IF;
  is_new := NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = 'sluice');
  IF is_new THEN EXECUTE pg_catalog.format('CREATE SCHEMA sluice AUTHORIZATION %I', database_owner); END IF;
  IF NOT EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'sluice' AND c.relname = 'schema_version')
  THEN
    CREATE TABLE sluice.schema_version (
      part pg_catalog.text NOT NULL,
      -- The role for which the part was applied.
      role pg_catalog.text NOT NULL,
      version pg_catalog.int4 NOT NULL,
      applied_at pg_catalog.timestamptz NOT NULL,
      applied_by pg_catalog.text NOT NULL,
      program_version pg_catalog.text NOT NULL,
      PRIMARY KEY (part, role));
    EXECUTE pg_catalog.format('ALTER TABLE sluice.schema_version OWNER TO %I', database_owner);
  END IF;
  IF NOT EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'sluice' AND c.relname = 'setup_item')
  THEN
    -- What each part needs, by names. Statements are not kept: they are made anew from the names and the catalog.
    CREATE TABLE sluice.setup_item (
      part pg_catalog.text NOT NULL,
      role pg_catalog.text NOT NULL,
      kind pg_catalog.text NOT NULL,
      schema_name pg_catalog.text NOT NULL,
      object_name pg_catalog.text NOT NULL,
      privilege pg_catalog.text NOT NULL,
      for_role pg_catalog.text NOT NULL,
      -- The setup has made it; false where it was there before.
      made pg_catalog.bool NOT NULL,
      PRIMARY KEY (kind, schema_name, object_name, privilege, for_role, role, part));
    EXECUTE pg_catalog.format('ALTER TABLE sluice.setup_item OWNER TO %I', database_owner);
  END IF;
  FOREACH table_name IN ARRAY ARRAY['schema_version', 'setup_item'] LOOP
    -- It conflicts with CREATE TRIGGER, so what is seen below stays so until the commit.
    EXECUTE pg_catalog.format('LOCK TABLE ONLY sluice.%I IN ROW EXCLUSIVE MODE', table_name);
  END LOOP;
  IF EXISTS (
    SELECT FROM ({{version_state}}) s WHERE NOT (s.is_trusted AND s.is_plain)
    UNION ALL
    SELECT FROM ({{item_state}}) s WHERE NOT (s.is_trusted AND s.is_plain))
  THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = pg_catalog.format(
      'the schema sluice, or the table schema_version or setup_item in it, belongs to neither the owner of the database nor a superuser, or '
      'has triggers, rules, defaults or columns of others; give the schema to %I, and rename a table of others', database_owner);
  END IF;
  IF is_new THEN
    INSERT INTO sluice.setup_item (part, role, kind, schema_name, object_name, privilege, for_role, made)
    VALUES ('', '', 'own schema', 'sluice', '', '', '', true) ON CONFLICT DO NOTHING;
  END IF;
END {{tag}}
