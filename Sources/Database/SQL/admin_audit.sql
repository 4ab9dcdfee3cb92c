-- What the lake's audit chain has no line of yet, the oldest first. What was kept, refused or failed has changed nothing and gets none.
CREATE OR REPLACE FUNCTION {schema}.unaudited(p_limit int) RETURNS TABLE (id bigint, entry jsonb)
LANGUAGE plpgsql {entry_settings} AS $sluice$
#variable_conflict use_column
BEGIN
  {intact}
  RETURN QUERY
  SELECT l.id, pg_catalog.to_jsonb(l) FROM {schema}.chunk_maintenance_log l
  WHERE l.audited_at IS NULL AND l.outcome IN ('dropped', 'placed', 'released', 'set', 'removed')
  ORDER BY l.id LIMIT p_limit;
END
$sluice$;

-- Takes down that the chain has the lines.
CREATE OR REPLACE FUNCTION {schema}.mark_audited(p_ids bigint[]) RETURNS void LANGUAGE plpgsql {entry_settings} AS $sluice$
BEGIN
  {intact}
  UPDATE {schema}.chunk_maintenance_log l SET audited_at = pg_catalog.clock_timestamp()
  WHERE l.id = ANY (p_ids) AND l.audited_at IS NULL;
END
$sluice$;

-- Whether rows were dropped because an archive held them. It may be their only copy.
CREATE OR REPLACE FUNCTION {schema}.was_used(p_sha256 text) RETURNS boolean LANGUAGE plpgsql {entry_settings} AS $sluice$
BEGIN
  {intact}
  RETURN EXISTS (
    SELECT FROM {schema}.chunk_maintenance_log l
    WHERE l.outcome = 'dropped'
      AND l.archives OPERATOR(pg_catalog.@>) pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('sha256', p_sha256)));
END
$sluice$;
