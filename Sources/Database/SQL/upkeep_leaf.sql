-- Whether the relation with OID $1 is still named $2.$3, and still the table with OID $4, named $5.$6, or below it; and its file, which is another
-- one where the relation was rewritten and its rows have other places. The caller has locked it.
WITH RECURSIVE up (oid) AS (
  SELECT $1::pg_catalog.int8::pg_catalog.oid
  UNION
  -- Servers before 14 lack inhdetachpending.
  SELECT i.inhparent FROM up JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = up.oid
  WHERE (pg_catalog.to_jsonb(i) ->> 'inhdetachpending') IS DISTINCT FROM 'true'
), named (oid, schema, name) AS (
  VALUES ($1::pg_catalog.int8::pg_catalog.oid, $2::pg_catalog.text, $3::pg_catalog.text),
    ($4::pg_catalog.int8::pg_catalog.oid, $5::pg_catalog.text, $6::pg_catalog.text)
)
SELECT
  EXISTS (SELECT FROM up WHERE up.oid = $4::pg_catalog.int8::pg_catalog.oid)
  AND NOT EXISTS (
    SELECT FROM named AS w WHERE NOT EXISTS (
      SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.oid = w.oid AND n.nspname::pg_catalog.text = w.schema AND c.relname::pg_catalog.text = w.name)) AS is_there,
  pg_catalog.pg_relation_filenode($1::pg_catalog.int8::pg_catalog.oid::pg_catalog.regclass)::pg_catalog.int8 AS file
