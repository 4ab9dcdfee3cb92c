-- Places the hold of the load $1. It needs the jobs $8 paused, which this load pauses, and those of $9 that earlier holds have paused:
-- they must not run again before this one is over.
INSERT INTO sluice.hold (load, schema_name, table_name, kind, first_value, end_value, keep_until, paused_jobs)
VALUES (
  $1, $2, $3, $4, $5, $6, $7::pg_catalog.timestamptz,
  $8::pg_catalog.int4[] || ARRAY(
    SELECT DISTINCT job
    FROM sluice.hold h CROSS JOIN LATERAL pg_catalog.unnest(h.paused_jobs) AS job
    WHERE h.ended_at IS NULL AND job = ANY ($9::pg_catalog.int4[])))
