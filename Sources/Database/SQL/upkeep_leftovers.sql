-- The invalid indexes that a REINDEX CONCURRENTLY which failed has left on the relation with OID $1: named after a valid one of the same columns,
-- with `_ccnew` or `_ccold`, and built by nobody now.
SELECT n.nspname AS schema, i.relname AS name
FROM pg_catalog.pg_index AS x
JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = i.relnamespace
WHERE x.indrelid = $1::pg_catalog.int8::pg_catalog.oid AND NOT x.indisvalid AND i.relname ~ '_cc(new|old)[0-9]*$'
  AND EXISTS (
    SELECT FROM pg_catalog.pg_index AS y JOIN pg_catalog.pg_class AS o ON o.oid = y.indexrelid
    WHERE y.indrelid = x.indrelid AND y.indisvalid AND y.indkey::pg_catalog.text = x.indkey::pg_catalog.text
      AND y.indclass::pg_catalog.text = x.indclass::pg_catalog.text AND y.indisunique = x.indisunique
      AND pg_catalog.starts_with(o.relname::pg_catalog.text, pg_catalog.regexp_replace(i.relname::pg_catalog.text, '_cc(new|old)[0-9]*$', '')))
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_stat_progress_create_index AS b WHERE b.relid = x.indrelid OR b.index_relid = x.indexrelid)
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_locks AS l
    WHERE l.relation = x.indrelid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))
ORDER BY i.relname
