-- What is known of the partitioned table with OID $1 as a whole: its default partition, its owner, and whether the role may
-- make partitions: ATTACH PARTITION needs the owner of the parent or an inheriting member.
SELECT d.nspname::pg_catalog.text AS default_schema, d.relname::pg_catalog.text AS default_name,
  owner.rolname::pg_catalog.text AS owner,
  pg_catalog.pg_has_role(c.relowner, 'USAGE') AS is_owner,
  (
    SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid
  ) AS partitions
FROM pg_catalog.pg_partitioned_table p
JOIN pg_catalog.pg_class c ON c.oid = p.partrelid
JOIN pg_catalog.pg_roles owner ON owner.oid = c.relowner
LEFT JOIN LATERAL (
  SELECT n.nspname, dc.relname
  FROM pg_catalog.pg_class dc JOIN pg_catalog.pg_namespace n ON n.oid = dc.relnamespace
  WHERE dc.oid = p.partdefid
) d ON true
WHERE p.partrelid = $1::pg_catalog.int8::pg_catalog.oid
