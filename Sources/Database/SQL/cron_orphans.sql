-- Jobs that can never run again as they are: their database or role is gone, or takes no sign-ins.
SELECT j.jobid, j.jobname::pg_catalog.text AS jobname, j.schedule, j.command, j.database, j.username, j.active,
  CASE
    WHEN d.oid IS NULL THEN 'no_database'
    WHEN r.oid IS NULL THEN 'no_role'
    WHEN NOT d.datallowconn THEN 'database_closed'
    ELSE 'no_login'
  END AS reason
FROM cron.job j
LEFT JOIN pg_catalog.pg_database d ON d.datname = j.database
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = j.username
WHERE d.oid IS NULL OR r.oid IS NULL OR NOT d.datallowconn OR NOT r.rolcanlogin
ORDER BY j.jobid
