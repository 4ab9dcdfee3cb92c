-- The loads that owe steps: the load $1, or all of the target $2, or, without both, all.
SELECT load, owed::pg_catalog.text AS owed
FROM sluice.restore_log
WHERE owed IS NOT NULL AND ($1::pg_catalog.text IS NULL OR load = $1) AND ($2::pg_catalog.text IS NULL OR target = $2)
ORDER BY loaded_at
