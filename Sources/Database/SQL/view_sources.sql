-- The hypertables from which the view with the OID $1 reads, also through other views. A materialized view holds rows of its own.
WITH RECURSIVE tree (oid) AS (
  SELECT $1::pg_catalog.int8::pg_catalog.oid
  UNION
  SELECT d.refobjid
  FROM tree
  JOIN pg_catalog.pg_class v ON v.oid = tree.oid AND v.relkind = 'v'
  JOIN pg_catalog.pg_rewrite r ON r.ev_class = v.oid AND r.ev_type = '1'
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
)
SELECT c.oid::pg_catalog.int8 AS oid, n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name
FROM tree
JOIN pg_catalog.pg_class c ON c.oid = tree.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN _timescaledb_catalog.hypertable h ON h.schema_name = n.nspname AND h.table_name = c.relname
ORDER BY c.oid
