-- Whether the schema $1 holds what the retention uses, and nothing in it could run with this role's rights: the schema, its tables and its
-- functions belong to one role, the tables are plain ones without triggers, rules, row security or checks, and each function
-- that this role calls runs as that owner. No row where the schema has no policies.
SELECT pg_catalog.quote_ident(owner.rolname) AS owner,
  NOT EXISTS (
    SELECT FROM pg_catalog.pg_class c
    WHERE c.relnamespace = n.oid AND c.relkind <> 'i'
      AND c.relname IN ('retention_policy', 'hold', 'archived_day', 'chunk_maintenance_log')
      AND (
        c.relowner <> n.nspowner OR c.relkind <> 'r' OR c.relrowsecurity
        OR EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid)
        OR EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid))
        OR EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal)
        -- A type of others brings casts, operators and functions that read its values.
        OR EXISTS (
          SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND y.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace)
        -- Of this one alone rows are written.
        OR c.relname = 'archived_day' AND (
          EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype NOT IN ('p', 'n'))
          OR EXISTS (SELECT FROM pg_catalog.pg_attrdef f WHERE f.adrelid = c.oid)
          OR EXISTS (
            SELECT FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL))))
  ) AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = n.oid
      AND p.proname IN (
        'drop_unit', 'delete_rows', 'retention_units', 'set_policy', 'remove_policy', 'place_hold', 'release_hold',
        'unaudited', 'mark_audited', 'was_used', 'held', 'holds_on')
      AND (p.proowner <> n.nspowner OR NOT p.prosecdef)
  ) AS is_trusted,
  pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(t.oid, 'SELECT') AS may_read,
  COALESCE(
    pg_catalog.has_table_privilege(d.oid, 'INSERT') AND pg_catalog.has_table_privilege(d.oid, 'UPDATE')
    AND pg_catalog.has_table_privilege(d.oid, 'DELETE') AND pg_catalog.has_table_privilege(d.oid, 'SELECT'), false) AS may_record,
  EXISTS (
    SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = d.oid AND a.attname = 'table_oid' AND NOT a.attisdropped) AS is_current
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_class t ON t.relnamespace = n.oid AND t.relname = 'retention_policy'
LEFT JOIN pg_catalog.pg_class d ON d.relnamespace = n.oid AND d.relname = 'archived_day'
JOIN pg_catalog.pg_roles owner ON owner.oid = n.nspowner
WHERE n.nspname = $1
