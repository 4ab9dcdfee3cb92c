-- How values of one type get into a column of another, for each pair of the JSON list $1: `same`; `text`, the text of the one is
-- read as the other; `cast`, PostgreSQL has a cast and the text may be refused; `none`. Types are named as format_type prints them;
-- one that this database does not know is read as text.
SELECT pair.source, pair.target,
  -- The name as the catalog has it: the list comes from a file.
  pg_catalog.format('%I.%I', n.nspname, s.typname) AS source_type,
  CASE
    WHEN s.oid IS NULL OR t.oid IS NULL THEN 'text'
    WHEN s.oid = t.oid THEN 'same'
    -- Text, and types of one's own, are read by their input functions.
    WHEN s.typcategory = 'S' OR t.typcategory = 'S' THEN 'text'
    WHEN s.oid >= 16384 OR t.oid >= 16384 OR s.typtype <> 'b' OR t.typtype <> 'b' THEN
      CASE WHEN c.castmethod = 'f' THEN 'cast' ELSE 'text' END
    -- The text of an integer is one of every number; the text of a date or time is one of the others, at the session's zone.
    WHEN s.typcategory = 'N' AND t.typcategory = 'N' AND (
      s.oid IN ('pg_catalog.int2'::pg_catalog.regtype, 'pg_catalog.int4'::pg_catalog.regtype, 'pg_catalog.int8'::pg_catalog.regtype)
      OR t.oid IN (
        'pg_catalog.numeric'::pg_catalog.regtype, 'pg_catalog.float4'::pg_catalog.regtype, 'pg_catalog.float8'::pg_catalog.regtype)
    ) THEN 'text'
    WHEN s.typcategory = 'D' AND t.typcategory = 'D' AND c.castsource IS NOT NULL THEN 'text'
    WHEN s.typcategory = 'A' AND t.typcategory = 'A' THEN 'text'
    WHEN c.castmethod = 'f' THEN 'cast'
    WHEN c.castsource IS NOT NULL THEN 'text'
    ELSE 'none'
  END AS conversion
FROM pg_catalog.json_to_recordset($1::pg_catalog.json) AS pair (source pg_catalog.text, target pg_catalog.text)
LEFT JOIN pg_catalog.pg_type s ON s.oid = pg_catalog.to_regtype(pair.source)
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = s.typnamespace
LEFT JOIN pg_catalog.pg_type t ON t.oid = pg_catalog.to_regtype(pair.target)
LEFT JOIN pg_catalog.pg_cast c ON c.castsource = s.oid AND c.casttarget = t.oid
