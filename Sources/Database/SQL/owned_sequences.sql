-- The sequences that integer columns of the relation with OID $1 own (serial and identity), or the same columns of the
-- partitioned tables above it. One that cycles may be behind at any time.
WITH RECURSIVE above (oid) AS (
  SELECT $1::pg_catalog.int8::pg_catalog.oid
  UNION
  SELECT i.inhparent
  FROM above
  JOIN pg_catalog.pg_class c ON c.oid = above.oid AND c.relispartition
  JOIN pg_catalog.pg_inherits i ON i.inhrelid = above.oid
)
SELECT a.attname::pg_catalog.text AS column_name,
  n.nspname::pg_catalog.text AS schema,
  s.relname::pg_catalog.text AS name,
  q.seqincrement AS increment,
  q.seqstart AS start,
  COALESCE(
    pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_sequence_privilege(s.oid, 'SELECT'), false) AS may_select,
  COALESCE(
    pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_sequence_privilege(s.oid, 'SELECT, USAGE'), false
  ) AS may_ask,
  -- An index that gives the column's largest and smallest value at once.
  EXISTS (
    SELECT
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_am m ON m.oid = c.relam
    WHERE i.indrelid = own.attrelid AND i.indkey[0] = own.attnum AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
  ) AS has_index
FROM above
JOIN pg_catalog.pg_depend d ON d.refobjid = above.oid
JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
JOIN pg_catalog.pg_attribute own ON own.attrelid = $1::pg_catalog.int8::pg_catalog.oid AND own.attname = a.attname
WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.deptype IN ('a', 'i') AND NOT q.seqcycle
  AND a.atttypid IN (
    'pg_catalog.int2'::pg_catalog.regtype, 'pg_catalog.int4'::pg_catalog.regtype, 'pg_catalog.int8'::pg_catalog.regtype)
