-- Keeps what the load $1 owes, and how long it took.
UPDATE sluice.restore_log SET owed = $2::pg_catalog.jsonb, seconds = COALESCE($3::pg_catalog.float8, seconds) WHERE load = $1
