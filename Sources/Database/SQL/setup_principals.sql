-- Whether the database lists its Entra principals.
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.proname = 'pgaadauth_list_principals'
    AND pg_catalog.oidvectortypes(p.proargtypes) = 'boolean') AS is_there
