-- The policies of the hypertable $1.$2 and of its aggregates, which $4 lists as {"schema", "name"}: when they run next, and which
-- chunks they take then. $3 is the dimension's type.
SELECT j.job_id AS id,
  j.proc_name::pg_catalog.text AS procedure,
  j.scheduled,
  pg_catalog.to_char(j.next_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS next_run,
  COALESCE(
    j.config ->> 'drop_after', j.config ->> 'compress_after', j.config ->> 'drop_created_before',
    j.config ->> 'compress_created_before',
    (j.config ->> 'start_offset') || ' to ' || (j.config ->> 'end_offset')) AS age,
  pg_catalog.format('%s.%s', j.hypertable_schema, j.hypertable_name) AS relation,
  j.hypertable_schema = $1::pg_catalog.name AND j.hypertable_name = $2::pg_catalog.name AS is_own,
  pg_catalog.pg_has_role(j.owner, 'USAGE') AS may_alter,
  pg_catalog.pg_get_userbyid(j.owner)::pg_catalog.text AS owner,
  -- The end of the ranges that the next run takes, as the catalog counts.
  CASE WHEN $3::pg_catalog.text LIKE 'timestamp%' OR $3::pg_catalog.text = 'date' THEN (
    EXTRACT(
      epoch FROM GREATEST(j.next_start, pg_catalog.now())
        - COALESCE(j.config ->> 'drop_after', j.config ->> 'compress_after')::pg_catalog.interval) * 1000000
  )::pg_catalog.int8 END AS taken_before,
  -- Of a policy that goes by the age of the chunks themselves.
  (
    EXTRACT(
      epoch FROM GREATEST(j.next_start, pg_catalog.now())
        - COALESCE(j.config ->> 'drop_created_before', j.config ->> 'compress_created_before')::pg_catalog.interval) * 1000000
  )::pg_catalog.int8 AS created_before
FROM timescaledb_information.jobs j
WHERE (
    j.hypertable_schema = $1::pg_catalog.name AND j.hypertable_name = $2::pg_catalog.name
    OR EXISTS (
      SELECT FROM pg_catalog.json_array_elements($4::pg_catalog.json) AS a
      WHERE j.hypertable_schema = (a ->> 'schema')::pg_catalog.name AND j.hypertable_name = (a ->> 'name')::pg_catalog.name))
  AND j.proc_name IN ('policy_retention', 'policy_compression', 'policy_refresh_continuous_aggregate')
ORDER BY j.job_id
