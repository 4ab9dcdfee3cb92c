-- The jobs that the role sees: row-level security hides those of other roles.
SELECT j.jobid, j.jobname::pg_catalog.text AS jobname, j.schedule, j.command, j.database, j.username, j.active
FROM cron.job j
ORDER BY j.jobname, j.username, j.jobid
