-- The lines of pg_hba.conf in their order, as far as they can concern a job; the view is for administrators.
SELECT h.line_number, h.type, h.database, h.user_name, h.address, h.netmask, h.auth_method, h.error IS NOT NULL AS is_broken
FROM pg_catalog.pg_hba_file_rules h
ORDER BY h.line_number
