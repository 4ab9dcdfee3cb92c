-- The last run of each job of a list; or, of those that are over, the first one after a run.
SELECT DISTINCT ON (d.jobid) d.runid, d.jobid, NULL::pg_catalog.text AS jobname, d.database, d.status,
  pg_catalog.split_part(d.return_message, E'\n', 1) AS message, d.start_time, d.end_time
FROM cron.job_run_details d
WHERE d.jobid = ANY ($1::pg_catalog.int8[])
  AND ($2::pg_catalog.int8 IS NULL OR d.runid > $2::pg_catalog.int8 AND d.status IN ('succeeded', 'failed'))
ORDER BY d.jobid, CASE WHEN $2::pg_catalog.int8 IS NULL THEN -d.runid ELSE d.runid END
