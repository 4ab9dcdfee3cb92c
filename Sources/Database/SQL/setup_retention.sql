-- The schema of the retention, as one script. It is in order where its functions belong to the owner, the role may call them, and the
-- list of schemas is the one that is asked for.
SELECT 1 AS place, 'script' AS kind, {{schema}} AS schema_name, 'retention' AS object_name, '' AS privilege, '' AS for_role, '' AS owner,
  CASE
    WHEN o.oid IS NULL OR n.nspowner <> o.oid THEN 'conflict'
    WHEN f.oid IS NULL THEN 'missing'
    WHEN NOT pg_catalog.has_schema_privilege(COALESCE(r.oid, 0), n.oid, 'USAGE')
      OR NOT pg_catalog.has_function_privilege(COALESCE(r.oid, 0), f.oid, 'EXECUTE')
      OR {{policies_by}} IS NOT NULL
        AND NOT pg_catalog.has_function_privilege(COALESCE(p.oid, 0), COALESCE(s.oid, 0), 'EXECUTE') THEN 'different'
    -- The list is in a table that may not be there: a query in a text is read only where it is.
    WHEN a.oid IS NULL THEN 'different'
    WHEN NOT pg_catalog.has_table_privilege(a.oid, 'SELECT') THEN 'present'
    WHEN pg_catalog.strpos(
      pg_catalog.query_to_xml(
        pg_catalog.format(
          'SELECT COALESCE(pg_catalog.array_agg(schema_name::pg_catalog.text ORDER BY schema_name::pg_catalog.text COLLATE "C"), ''{}'') = %L::pg_catalog.text[] AS same FROM %I.allowed_schema',
          ARRAY(
            SELECT w.name FROM (SELECT DISTINCT u FROM pg_catalog.unnest({{schemas}}::pg_catalog.text[]) AS u) AS w (name)
            ORDER BY w.name COLLATE "C"),
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
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {{role}}
LEFT JOIN pg_catalog.pg_roles p ON p.rolname = {{policies_by}}
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = {{schema}}
-- Another relation in its place could have code run as whoever plans.
LEFT JOIN pg_catalog.pg_class a ON a.relnamespace = n.oid AND a.relname = 'allowed_schema' AND a.relkind = 'r' AND NOT a.relrowsecurity
  AND a.relowner = n.nspowner AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite w WHERE w.ev_class = a.oid)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE a.oid IN (i.inhparent, i.inhrelid))
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_attribute t JOIN pg_catalog.pg_type y ON y.oid = t.atttypid
    WHERE t.attrelid = a.oid AND t.attnum > 0 AND NOT t.attisdropped AND y.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace)
LEFT JOIN pg_catalog.pg_proc f ON f.pronamespace = n.oid AND f.proname = 'drop_unit' AND f.proowner = n.nspowner
LEFT JOIN pg_catalog.pg_proc s ON s.pronamespace = n.oid AND s.proname = 'set_policy' AND s.proowner = n.nspowner
