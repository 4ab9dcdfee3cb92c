-- The retention policies, with the instants that follow from them now.
SELECT table_schema, table_name, time_column, keep::pg_catalog.text, minimum_age::pg_catalog.text, require_archive, clock,
  EXTRACT(epoch FROM pg_catalog.now() - keep)::pg_catalog.float8 AS kept_from, hold_until::pg_catalog.text, hold_reason,
  keep_archives::pg_catalog.text, EXTRACT(epoch FROM pg_catalog.now() - keep_archives)::pg_catalog.float8 AS archives_kept_from,
  enabled, changed_at::pg_catalog.text, changed_by
FROM /* SCHEMA */.retention_policy
ORDER BY table_schema, table_name
