-- The names of the table $1, of those above it and of those below it: a hold or a policy of one of them is about its rows too.
WITH RECURSIVE up (oid) AS (
  SELECT pg_catalog.to_regclass($1)::pg_catalog.oid
  UNION SELECT i.inhparent FROM up JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = up.oid
), down (oid) AS (
  SELECT pg_catalog.to_regclass($1)::pg_catalog.oid
  UNION SELECT i.inhrelid FROM down JOIN pg_catalog.pg_inherits AS i ON i.inhparent = down.oid
)
SELECT c.oid::pg_catalog.int8 AS oid, n.nspname AS schema, c.relname AS name, c.oid IN (SELECT down.oid FROM down) AS is_below
FROM (SELECT up.oid FROM up UNION SELECT down.oid FROM down) AS o
JOIN pg_catalog.pg_class AS c ON c.oid = o.oid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY c.oid
