-- Runs of jobs with the prefix, and of the role's jobs that are gone, the newest first. Of an answer only the first line is read: the
-- others may hold rows.
SELECT d.runid, d.jobid, j.jobname::pg_catalog.text AS jobname, d.database, d.status,
  pg_catalog.split_part(d.return_message, E'\n', 1) AS message, d.start_time, d.end_time
FROM cron.job_run_details d LEFT JOIN cron.job j ON j.jobid = d.jobid
WHERE (pg_catalog.starts_with(j.jobname::pg_catalog.text, $1) OR j.jobid IS NULL AND d.username = current_user)
  AND ($2::pg_catalog.text IS NULL OR j.jobname = $2)
  AND (NOT $3::pg_catalog.bool OR d.status = 'failed')
  AND ($4::pg_catalog.timestamptz IS NULL OR COALESCE(d.start_time, d.end_time) >= $4::pg_catalog.timestamptz)
ORDER BY d.runid DESC
LIMIT $5::pg_catalog.int4
