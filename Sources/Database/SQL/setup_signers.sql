-- The roles that sign in with Entra: those of the names $1, those with a label of pgaadauth, and the members of azure_ad_user; and the
-- role $2, however it signs in.
SELECT r.rolname::pg_catalog.text AS name, r.rolcanlogin AS may_login, r.rolsuper AS is_superuser,
  l.label,
  ARRAY(
    SELECT g.rolname::pg_catalog.text
    FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
    WHERE m.member = r.oid ORDER BY g.rolname) AS member_of,
  r.rolname = ANY ($1::pg_catalog.text[]) OR l.label IS NOT NULL OR EXISTS (
    SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
    WHERE m.member = r.oid AND g.rolname = 'azure_ad_user') AS is_principal
FROM pg_catalog.pg_roles r
LEFT JOIN pg_catalog.pg_shseclabel l ON l.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND l.objoid = r.oid
  AND l.provider = 'pgaadauth'
WHERE r.rolname = ANY ($1::pg_catalog.text[]) OR r.rolname = $2 OR l.label IS NOT NULL OR EXISTS (
  SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
  WHERE m.member = r.oid AND g.rolname = 'azure_ad_user')
ORDER BY r.rolname
