-- Ends the hold of the load $1. One row for each job that was paused for it and that no other hold needs paused.
WITH ended AS (
  UPDATE sluice.hold SET ended_at = pg_catalog.clock_timestamp()
  WHERE load = $1 AND ended_at IS NULL
  RETURNING schema_name, table_name, paused_jobs
)
SELECT DISTINCT job, schema_name, table_name
FROM ended CROSS JOIN LATERAL pg_catalog.unnest(ended.paused_jobs) AS job
WHERE NOT EXISTS (
  SELECT FROM sluice.hold h
  WHERE h.ended_at IS NULL AND h.keep_until > pg_catalog.clock_timestamp() AND job = ANY (h.paused_jobs))
