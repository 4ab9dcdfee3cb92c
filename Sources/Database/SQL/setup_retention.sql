-- The schema of the retention, as one script, and what the role, and the one that sets policies, may do in it. The script is in order where
-- its functions belong to the owner, and the list of schemas has those that are asked for.
SELECT 1 AS place, 'script' AS kind, {{schema}} AS schema_name, 'retention' AS object_name, '' AS privilege, '' AS for_role, '' AS owner,
  CASE
    WHEN o.oid IS NULL OR n.nspowner <> o.oid THEN 'conflict'
    WHEN f.oid IS NULL THEN 'missing'
    -- The list is in a table that may not be there: a query in a text is read only where it is.
    WHEN a.oid IS NULL THEN 'different'
    WHEN NOT pg_catalog.has_table_privilege(a.oid, 'SELECT') THEN 'present'
    WHEN pg_catalog.strpos(
      pg_catalog.query_to_xml(
        pg_catalog.format(
          'SELECT COALESCE(pg_catalog.array_agg(schema_name::pg_catalog.text), ''{}'') @> %L::pg_catalog.text[] AS same FROM %I.allowed_schema',
          {{schemas}},
          n.nspname), false, false, '')::pg_catalog.text, '<same>true</same>') > 0 THEN 'present'
    ELSE 'different'
  END AS state,
  {{statement}} AS statement,
  CASE
    WHEN o.oid IS NULL THEN pg_catalog.format(
      'there is no role %I, which is to own the schema of the retention; make it (CREATE ROLE … NOLOGIN) and give it the rights of the '
      'owner of the tables, or name their owner', COALESCE({{owner}}, ''))
    WHEN n.nspowner <> o.oid THEN pg_catalog.format(
      'the schema %I belongs to another role than %I; name its owner, or another schema by RETENTION_SCHEMA', {{schema}}, COALESCE({{owner}}, ''))
    ELSE ''
  END AS note
FROM (VALUES (1)) one
LEFT JOIN pg_catalog.pg_roles o ON o.rolname = {{owner}}
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = {{schema}}
-- Another relation in its place could have code run as whoever plans.
LEFT JOIN pg_catalog.pg_class a ON a.relnamespace = n.oid AND a.relname = 'allowed_schema' AND a.relkind = 'r' AND NOT a.relrowsecurity
  AND a.relowner = n.nspowner AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite w WHERE w.ev_class = a.oid)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE a.oid IN (i.inhparent, i.inhrelid))
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_attribute t JOIN pg_catalog.pg_type y ON y.oid = t.atttypid
    WHERE t.attrelid = a.oid AND t.attnum > 0 AND NOT t.attisdropped AND y.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace)
LEFT JOIN pg_catalog.pg_proc f ON f.pronamespace = n.oid AND f.proname = 'drop_unit' AND f.proowner = n.nspowner
UNION ALL
SELECT g.place, g.kind, g.schema, g.object, g.privilege, g.for_role, '',
  CASE
    WHEN CASE g.kind
      WHEN 'schema' THEN pg_catalog.has_schema_privilege(h.oid, n.oid, g.privilege)
      WHEN 'relation' THEN pg_catalog.has_table_privilege(h.oid, c.oid, g.privilege)
      ELSE pg_catalog.has_function_privilege(h.oid, f.oid, g.privilege) END THEN 'present'
    ELSE 'missing'
  END,
  pg_catalog.format(
    'GRANT %s ON %s TO %I', g.privilege,
    CASE g.kind
      WHEN 'schema' THEN pg_catalog.format('SCHEMA %I', g.schema)
      WHEN 'relation' THEN pg_catalog.format('TABLE %I.%I', g.schema, g.object)
      ELSE pg_catalog.format('ROUTINE %I.%s', g.schema, g.object) END,
    g.grantee), ''
FROM (
  SELECT g.*, {{schema}} AS schema FROM (
  SELECT 2 AS place, 'schema' AS kind, '' AS object, 'USAGE' AS privilege, '' AS for_role, {{role}} AS grantee
  UNION ALL
  SELECT 3, 'relation', w.name, 'SELECT', '', {{role}} FROM pg_catalog.unnest(ARRAY[
    'retention_policy', 'hold', 'archived_day', 'chunk_maintenance_log', 'allowed_schema']) AS w (name)
  UNION ALL
  SELECT 3, 'relation', 'archived_day', w.name, '', {{role}} FROM pg_catalog.unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) AS w (name)
  UNION ALL
  SELECT 4, 'function', w.name, 'EXECUTE', '', {{role}} FROM pg_catalog.unnest({{caller_routines}}) AS w (name)
  UNION ALL
  SELECT 5, 'schema', '', 'USAGE', {{policies_by}}, {{policies_by}} WHERE {{policies_by}} IS NOT NULL
  UNION ALL
  SELECT 5, 'relation', w.name, 'SELECT', {{policies_by}}, {{policies_by}}
  FROM pg_catalog.unnest(ARRAY['retention_policy', 'hold', 'chunk_maintenance_log']) AS w (name) WHERE {{policies_by}} IS NOT NULL
  UNION ALL
  SELECT 6, 'function', w.name, 'EXECUTE', {{policies_by}}, {{policies_by}} FROM pg_catalog.unnest({{policy_routines}}) AS w (name)
  WHERE {{policies_by}} IS NOT NULL
  ) AS g
  UNION ALL
  -- Who names a table needs its schema.
  SELECT 7, 'schema', '', 'USAGE', {{policies_by}}, {{policies_by}}, w.name
  FROM (SELECT DISTINCT u FROM pg_catalog.unnest({{schemas}}::pg_catalog.text[]) AS u) AS w (name) WHERE {{policies_by}} IS NOT NULL
  UNION ALL
  -- The functions obey the holds of restores, whose table may be made later than theirs.
  SELECT w.place, w.kind, w.object, w.privilege, {{owner}}, {{owner}}, 'sluice'
  FROM (VALUES (8, 'schema', '', 'USAGE'), (9, 'relation', 'hold', 'SELECT')) AS w (place, kind, object, privilege)
  WHERE {{owner}} IS NOT NULL AND EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'sluice' AND c.relname = 'hold' AND c.relkind = 'r'
      AND pg_catalog.pg_has_role(c.relowner, 'USAGE') AND pg_catalog.pg_has_role(n.nspowner, 'USAGE'))
) AS g
LEFT JOIN pg_catalog.pg_roles h ON h.rolname = g.grantee
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema
LEFT JOIN pg_catalog.pg_class c ON g.kind = 'relation' AND c.relnamespace = n.oid AND c.relname = g.object
LEFT JOIN pg_catalog.pg_proc f ON g.kind = 'function' AND f.pronamespace = n.oid
  AND g.object = pg_catalog.format('%s(%s)', f.proname, pg_catalog.oidvectortypes(f.proargtypes))
ORDER BY place
