-- Removes one batch of old records of runs: those of the role's jobs with the prefix, and of its jobs that are gone. A run that could not
-- connect may have no time; it is as old as the runs after it.
DELETE FROM cron.job_run_details d
WHERE d.runid IN (
  SELECT o.runid
  FROM cron.job_run_details o LEFT JOIN cron.job j ON j.jobid = o.jobid
  WHERE o.username = current_user AND (pg_catalog.starts_with(j.jobname::pg_catalog.text, $1) OR j.jobid IS NULL)
    AND o.status IN ('succeeded', 'failed')
    AND (COALESCE(o.end_time, o.start_time) < $2::pg_catalog.timestamptz
      OR o.end_time IS NULL AND o.start_time IS NULL AND o.runid < (
        SELECT max(l.runid) FROM cron.job_run_details l WHERE l.start_time < $2::pg_catalog.timestamptz))
  ORDER BY o.runid
  LIMIT $3::pg_catalog.int4)
