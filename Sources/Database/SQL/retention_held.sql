-- The hold that keeps what table $2 of schema $1 has from $3 to before $4.
SELECT 'hold ' || h.id || ': ' || h.reason AS words
FROM /* SCHEMA */.hold AS h
WHERE h.table_schema = $1 AND h.table_name = $2 AND h.released_at IS NULL
  AND (h.until IS NULL OR h.until > pg_catalog.clock_timestamp())
  AND (h.range_start IS NULL OR h.range_start < $4::pg_catalog.timestamptz)
  AND (h.range_end IS NULL OR h.range_end > $3::pg_catalog.timestamptz)
UNION ALL
SELECT 'the policy holds it: ' || p.hold_reason
FROM /* SCHEMA */.retention_policy AS p
WHERE p.table_schema = $1 AND p.table_name = $2 AND p.hold_until > pg_catalog.clock_timestamp()
LIMIT 1
