-- The types that the JSON array $1 names, in its order: a domain's base type, and whether the type has a default.
WITH RECURSIVE named (number, type) AS (
  SELECT n.ordinality, n.value::pg_catalog.regtype::pg_catalog.oid
  FROM pg_catalog.json_array_elements_text($1::pg_catalog.json) WITH ORDINALITY AS n (value, ordinality)
),
base (number, type) AS (
  SELECT named.number, named.type FROM named
  UNION ALL
  SELECT base.number, t.typbasetype
  FROM base JOIN pg_catalog.pg_type t ON t.oid = base.type
  WHERE t.typbasetype <> 0
)
SELECT pg_catalog.format_type(base.type, NULL) AS base_type, own.typdefault IS NOT NULL AS has_default
FROM base
JOIN named ON named.number = base.number
JOIN pg_catalog.pg_type t ON t.oid = base.type AND t.typbasetype = 0
JOIN pg_catalog.pg_type own ON own.oid = named.type
ORDER BY base.number
