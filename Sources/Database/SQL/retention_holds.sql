-- Holds, each with the name that its table has now: what it was called may be no table any more.
SELECT h.id, COALESCE(o.schema, h.table_schema) AS table_schema, COALESCE(o.name, h.table_name) AS table_name,
  h.range_start::pg_catalog.text, h.range_end::pg_catalog.text, h.reason, h.placed_by, h.placed_at::pg_catalog.text, h.until::pg_catalog.text
FROM (SELECT h.*, pg_catalog.to_jsonb(h) ->> 'table_oid' AS now FROM /* SOURCE */) AS h
LEFT JOIN LATERAL (
  SELECT n.nspname AS schema, c.relname AS name
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = h.now::pg_catalog.oid AND c.relkind IN ('r', 'p') AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_class k JOIN pg_catalog.pg_namespace m ON m.oid = k.relnamespace
    WHERE m.nspname = h.table_schema AND k.relname = h.table_name)
) AS o ON true
ORDER BY h.id
