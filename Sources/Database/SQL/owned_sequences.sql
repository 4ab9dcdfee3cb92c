-- The sequences that integer columns of the relation with OID $1 own (serial and identity), as far as this role may read
-- them. One that cycles may be behind at any time.
SELECT a.attname::pg_catalog.text AS column_name,
  n.nspname::pg_catalog.text AS schema,
  s.relname::pg_catalog.text AS name,
  q.seqincrement AS increment,
  pg_catalog.has_sequence_privilege(s.oid, 'SELECT') AS may_select,
  -- An index that gives the column's largest and smallest value at once.
  EXISTS (
    SELECT
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_am m ON m.oid = c.relam
    WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
  ) AS has_index
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.refobjid = $1::pg_catalog.int8::pg_catalog.oid AND d.deptype IN ('a', 'i') AND NOT q.seqcycle
  AND a.atttypid IN (
    'pg_catalog.int2'::pg_catalog.regtype, 'pg_catalog.int4'::pg_catalog.regtype, 'pg_catalog.int8'::pg_catalog.regtype)
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND pg_catalog.has_sequence_privilege(s.oid, 'SELECT, USAGE')
