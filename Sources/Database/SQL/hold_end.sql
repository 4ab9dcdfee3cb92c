-- The hold of the load $1, unless it has ended. One row for each job that was paused for it and that no other hold needs paused; one
-- without a job where there is none.
SELECT job, h.schema_name, h.table_name, h.first_value, h.end_value, pg_catalog.to_jsonb(h) ->> 'table_oid' AS oid
FROM sluice.hold h LEFT JOIN LATERAL pg_catalog.unnest(h.paused_jobs) AS job ON NOT EXISTS (
  SELECT FROM sluice.hold o
  WHERE o.ended_at IS NULL AND o.keep_until > pg_catalog.clock_timestamp() AND job = ANY (o.paused_jobs))
WHERE h.load = $1 AND h.ended_at IS NULL
FOR UPDATE OF h
