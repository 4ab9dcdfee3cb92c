-- Figures of the runs of each job with the prefix.
SELECT j.jobname::pg_catalog.text AS jobname, j.jobid, count(*) AS runs, count(*) FILTER (WHERE d.status = 'failed') AS failures,
  avg(EXTRACT(epoch FROM d.end_time - d.start_time))::pg_catalog.float8 AS mean_seconds,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY EXTRACT(epoch FROM d.end_time - d.start_time)::pg_catalog.float8) AS p95_seconds,
  max(EXTRACT(epoch FROM d.end_time - d.start_time))::pg_catalog.float8 AS longest_seconds
FROM cron.job j JOIN cron.job_run_details d ON d.jobid = j.jobid
WHERE pg_catalog.starts_with(j.jobname::pg_catalog.text, $1) AND d.status IN ('succeeded', 'failed')
  AND ($2::pg_catalog.timestamptz IS NULL OR COALESCE(d.start_time, d.end_time) >= $2::pg_catalog.timestamptz)
GROUP BY j.jobname, j.jobid
ORDER BY j.jobname, j.jobid
