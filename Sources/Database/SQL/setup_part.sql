-- Makes what the part lacks, takes back what it has made and needs no more, and notes both. Where nothing is to do it changes nothing.
DO {{tag}}
DECLARE
  item pg_catalog.record;
  is_changed pg_catalog.bool := false;
BEGIN
  FOR item IN {{items}} LOOP
    IF item.state = 'conflict' THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = item.note;
    ELSIF item.state <> 'present'
      -- Whether a script is in order is told by the part's version alone.
      OR item.kind = 'script' AND NOT EXISTS (
        SELECT FROM sluice.schema_version v WHERE v.part = {{part}} AND v.role = {{role}} AND v.version = {{version}})
    THEN
      EXECUTE item.statement;
      is_changed := true;
    END IF;
    -- What default privileges of the setup have given to a later table is the setup's too.
    INSERT INTO sluice.setup_item AS known (part, role, kind, schema_name, object_name, privilege, for_role, made)
    VALUES (
      {{part}}, {{role}}, item.kind, item.schema_name, item.object_name, item.privilege, item.for_role,
      item.state = 'missing'
      OR item.kind = 'role' AND COALESCE(pg_catalog.current_setting('sluice.role_made', true), '') IN ('t', 'true')
      OR EXISTS (
        SELECT FROM sluice.setup_item d
        WHERE d.part = {{part}} AND d.role = {{role}} AND d.kind = 'default' AND d.made AND d.schema_name = item.schema_name
          AND d.privilege = item.privilege AND d.for_role = item.owner
          AND d.object_name = CASE item.kind WHEN 'relation' THEN 'TABLES' WHEN 'sequence' THEN 'SEQUENCES' END))
    ON CONFLICT (part, role, kind, schema_name, object_name, privilege, for_role)
    DO UPDATE SET made = true WHERE item.state = 'missing' AND NOT known.made;
  END LOOP;
  FOR item IN
    SELECT m.* FROM ({{made}}) m
    WHERE m.part = {{part}} AND NOT EXISTS (
      SELECT FROM ({{items}}) w
      WHERE (w.kind, w.schema_name, w.object_name, w.privilege, w.for_role)
        = (m.kind, m.schema_name, m.object_name, m.privilege, m.for_role))
      -- What default privileges that stay have given, such as INSERT on a later view, stays too.
      AND (
        m.later_of IS NULL
        OR NOT EXISTS (
          SELECT FROM ({{items}}) w
          WHERE (w.kind, w.schema_name, w.object_name, w.privilege, w.for_role)
            = ('default', m.schema_name, CASE m.kind WHEN 'relation' THEN 'TABLES' ELSE 'SEQUENCES' END, m.privilege, m.later_of)))
    ORDER BY m.place
  LOOP
    -- What another part needs too is handed over to it.
    IF item.made AND item.is_shared THEN
      UPDATE sluice.setup_item i SET made = true
      WHERE (i.kind, i.schema_name, i.object_name, i.privilege) = (item.kind, item.schema_name, item.object_name, item.privilege)
        AND CASE WHEN i.kind IN ('table', 'script') THEN '' WHEN i.kind = 'default' OR i.for_role = '' THEN i.role ELSE i.for_role END
          = item.grantee
        AND CASE i.kind WHEN 'default' THEN i.for_role ELSE '' END = item.maker
        AND (i.part, i.role, i.for_role) <> (item.part, item.role, item.for_role);
    ELSIF item.made AND item.undo IS NOT NULL THEN
      EXECUTE item.undo;
    ELSIF item.made AND item.kind = 'script' THEN
      {{removal}}
    END IF;
    DELETE FROM sluice.setup_item i
    WHERE (i.part, i.role, i.kind, i.schema_name, i.object_name, i.privilege, i.for_role)
      = (item.part, item.role, item.kind, item.schema_name, item.object_name, item.privilege, item.for_role);
    is_changed := true;
  END LOOP;
  IF {{version}} IS NULL THEN
    DELETE FROM sluice.schema_version v WHERE v.part = {{part}} AND v.role = {{role}};
    RETURN;
  END IF;
  -- A GRANT without the right to grant is a warning.
  FOR item IN SELECT * FROM ({{items}}) w WHERE w.state <> 'present' LOOP
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = pg_catalog.format(
      'the role %I may not do this: %s', current_user, item.statement);
  END LOOP;
  INSERT INTO sluice.schema_version AS known (part, role, version, applied_at, applied_by, program_version)
  VALUES ({{part}}, {{role}}, {{version}}, pg_catalog.now(), current_user, {{program_version}})
  ON CONFLICT (part, role) DO UPDATE
  SET version = EXCLUDED.version, applied_at = EXCLUDED.applied_at, applied_by = EXCLUDED.applied_by,
    program_version = EXCLUDED.program_version
  WHERE is_changed OR known.version <> EXCLUDED.version;
END {{tag}}
