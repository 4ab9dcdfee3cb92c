-- The loads that owe steps, with the name that the target has now: the load $1, or all of the relation $2.$3, or, without both, all.
-- A target that was renamed is known by its OID; one that is gone by the name that it had, $4.
SELECT l.load, l.owed::pg_catalog.text AS owed, n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name
FROM sluice.restore_log l
LEFT JOIN pg_catalog.pg_class c ON c.oid = l.target_oid
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE l.owed IS NOT NULL AND ($1::pg_catalog.text IS NULL OR l.load = $1)
  AND (
    $4::pg_catalog.text IS NULL
    OR CASE WHEN c.oid IS NULL THEN l.target = $4 ELSE n.nspname = $2::pg_catalog.text AND c.relname = $3::pg_catalog.text END)
ORDER BY l.loaded_at
