-- The texts by which a partition's name may tell its first value: of the ranges that begin at $1, at $2 (or NULL) and at $3, in the
-- zone $4. $5: the values are instants. The last row's are those for a table that has no pattern.
SELECT form.text AS form, pg_catalog.to_char(first.wall, form.text) AS first, pg_catalog.to_char(second.wall, form.text) AS second,
  pg_catalog.to_char(new.wall, form.text) AS new, form.place
FROM pg_catalog.unnest(
  ARRAY[
    'YYYYMMDDHH24MI', 'YYYYMMDD_HH24MI', 'YYYY_MM_DD_HH24MI', 'YYYYMMDDHH24', 'YYYYMMDD_HH24', 'YYYY_MM_DD_HH24', 'YYYY-MM-DD',
    'YYYY_MM_DD', 'YYYY"m"MM"d"DD', 'YYYYMMDD', 'YYYY-MM', 'YYYY_MM', 'YYYY"m"MM', 'YYYY"_m"MM', 'YYYYMM', 'YYYY"q"Q', 'YYYY"_q"Q',
    'IYYY"w"IW', 'IYYY"_w"IW', 'IYYY_IW', 'IYYYIW', 'YYMMDD', 'YYYY', 'YYYYMMDD'
  ]) WITH ORDINALITY AS form (text, place)
CROSS JOIN LATERAL (
  SELECT CASE WHEN $5::pg_catalog.bool THEN pg_catalog.timezone($4, $1::pg_catalog.timestamptz)
    ELSE $1::pg_catalog.timestamp END
) AS first (wall)
CROSS JOIN LATERAL (
  SELECT CASE WHEN $5::pg_catalog.bool THEN pg_catalog.timezone($4, $2::pg_catalog.timestamptz)
    ELSE $2::pg_catalog.timestamp END
) AS second (wall)
CROSS JOIN LATERAL (
  SELECT CASE WHEN $5::pg_catalog.bool THEN pg_catalog.timezone($4, $3::pg_catalog.timestamptz)
    ELSE $3::pg_catalog.timestamp END
) AS new (wall)
ORDER BY form.place
