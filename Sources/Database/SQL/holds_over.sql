-- The holds that are over and not ended yet.
SELECT load FROM sluice.hold WHERE ended_at IS NULL AND keep_until <= pg_catalog.clock_timestamp() ORDER BY placed_at
