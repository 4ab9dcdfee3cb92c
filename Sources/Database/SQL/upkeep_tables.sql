-- The tables that a maintenance task names: those with the OIDs $1, those whose schema and name fit one of the LIKE patterns $2 and $5, or, with $3, all. $4 asks
-- for the relations that hold rows; without it for the tables as they are named.
WITH RECURSIVE named (oid) AS (
  SELECT c.oid
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND (
    c.oid = ANY ($1::pg_catalog.oid[])
    OR n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^(pg_|_timescaledb_)'
    AND NOT c.relispartition AND ($3::pg_catalog.bool OR EXISTS (
      SELECT FROM ROWS FROM (pg_catalog.unnest($2::pg_catalog.text[]), pg_catalog.unnest($5::pg_catalog.text[])) AS p (schema, name)
      WHERE n.nspname LIKE p.schema AND c.relname LIKE p.name))
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid))
), tree (root, oid) AS (
  SELECT n.oid, n.oid FROM named AS n
  UNION
  SELECT tree.root, i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.oid
), part AS (
  SELECT CASE WHEN $4::pg_catalog.bool THEN tree.oid ELSE tree.root END AS oid, tree.oid AS leaf FROM tree
)
SELECT c.oid::pg_catalog.int8 AS oid, n.nspname AS schema, c.relname AS name, c.relkind::pg_catalog.text AS kind,
  pg_catalog.pg_has_role(c.relowner, 'USAGE')
    OR (
      pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 170000
      AND pg_catalog.has_table_privilege(c.oid, CASE
        WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 170000 THEN 'MAINTAIN' ELSE 'SELECT' END)
    ) AS may_maintain,
  pg_catalog.sum(pg_catalog.pg_stat_get_live_tuples(p.leaf))::pg_catalog.float8 AS live,
  pg_catalog.sum(pg_catalog.pg_stat_get_dead_tuples(p.leaf))::pg_catalog.float8 AS dead,
  pg_catalog.sum(pg_catalog.pg_stat_get_mod_since_analyze(p.leaf))::pg_catalog.float8 AS changed
FROM part AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.oid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT $4::pg_catalog.bool OR c.relkind IN ('r', 'm')
GROUP BY c.oid, n.nspname, c.relname, c.relkind, c.relowner
ORDER BY n.nspname, c.relname
