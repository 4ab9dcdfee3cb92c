-- The columns of the relation with OID $1, in order. A domain is followed down to the type it rests on.
WITH RECURSIVE base (type, base_type) AS (
  SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type t WHERE t.typbasetype <> 0
  UNION ALL
  SELECT base.type, t.typbasetype
  FROM base JOIN pg_catalog.pg_type t ON t.oid = base.base_type
  WHERE t.typbasetype <> 0
)
SELECT a.attname::pg_catalog.text AS name,
  pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
  COALESCE(
    (
      SELECT pg_catalog.format_type(b.base_type, NULL)
      FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.base_type
      WHERE b.type = a.atttypid AND t.typbasetype = 0
    ),
    pg_catalog.format_type(a.atttypid, NULL)) AS base_type,
  a.attgenerated <> '' AS is_generated,
  pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS may_select,
  pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'INSERT') AS may_insert
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = $1::pg_catalog.int8::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
