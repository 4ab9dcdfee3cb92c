-- The columns of the relation with OID $1, in order. A domain is resolved to its base type.
WITH RECURSIVE base (type, base_type) AS (
  SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type t WHERE t.typbasetype <> 0
  UNION ALL
  SELECT base.type, t.typbasetype
  FROM base JOIN pg_catalog.pg_type t ON t.oid = base.base_type
  WHERE t.typbasetype <> 0
),
-- Every type within a column's values: the column's type, a domain's base, an array's elements, a range's bounds, the
-- fields of a row.
part (attribute, type) AS (
  SELECT a.attnum, a.atttypid
  FROM pg_catalog.pg_attribute a
  WHERE a.attrelid = $1::pg_catalog.int8::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION
  SELECT part.attribute, inner_type.oid
  FROM part
  JOIN pg_catalog.pg_type t ON t.oid = part.type
  CROSS JOIN LATERAL (
    SELECT t.typbasetype WHERE t.typbasetype <> 0
    UNION ALL
    SELECT t.typelem WHERE t.typelem <> 0
    UNION ALL
    -- The same for a multirange; servers before 14 have none.
    SELECT r.rngsubtype FROM pg_catalog.pg_range r
    WHERE r.rngtypid = t.oid OR pg_catalog.to_jsonb(r) ->> 'rngmultitypid' = t.oid::pg_catalog.text
    UNION ALL
    SELECT f.atttypid
    FROM pg_catalog.pg_attribute f
    WHERE f.attrelid = t.typrelid AND t.typrelid <> 0 AND f.attnum > 0 AND NOT f.attisdropped
  ) AS inner_type (oid)
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
  CASE own.typtype
    WHEN 'c' THEN 'composite' WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range' WHEN 'm' THEN 'multirange'
    ELSE CASE own.typcategory WHEN 'A' THEN 'array' ELSE 'base' END
  END AS type_kind,
  a.attgenerated <> '' AS is_generated,
  a.attidentity <> '' AS is_identity,
  a.attnotnull AS is_not_null,
  -- A domain may have a default of its own.
  a.atthasdef OR own.typdefault IS NOT NULL AS has_default,
  -- Values that are written and read as names, whose meaning depends on the search_path.
  EXISTS (
    SELECT FROM part
    WHERE part.attribute = a.attnum AND part.type IN (
      'pg_catalog.regclass'::pg_catalog.regtype, 'pg_catalog.regproc'::pg_catalog.regtype,
      'pg_catalog.regprocedure'::pg_catalog.regtype, 'pg_catalog.regoper'::pg_catalog.regtype,
      'pg_catalog.regoperator'::pg_catalog.regtype, 'pg_catalog.regtype'::pg_catalog.regtype,
      'pg_catalog.regconfig'::pg_catalog.regtype, 'pg_catalog.regdictionary'::pg_catalog.regtype,
      pg_catalog.to_regtype('pg_catalog.regcollation'))
  ) AS is_name,
  pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS may_select,
  pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'INSERT') AS may_insert
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type own ON own.oid = a.atttypid
WHERE a.attrelid = $1::pg_catalog.int8::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
