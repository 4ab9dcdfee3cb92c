-- The loads that owe steps: the load $1, or all of the target $2, or, without both, all; with the name that the target has now.
SELECT l.load, l.owed::pg_catalog.text AS owed, n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name
FROM sluice.restore_log l
LEFT JOIN pg_catalog.pg_class c ON c.oid = l.target_oid
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE l.owed IS NOT NULL AND ($1::pg_catalog.text IS NULL OR l.load = $1) AND ($2::pg_catalog.text IS NULL OR l.target = $2)
ORDER BY l.loaded_at
