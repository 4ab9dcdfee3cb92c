-- The range that a partition around the value $3 has when ranges go on as those of a neighbour, from $1 to $2, do; one row for
-- each way to see the neighbour's length: months or days of the clock in the zone $4 or in UTC, which it must begin and end by, or
-- the length itself. $5 to $6 is the range of another neighbour (or NULL): `explains` says whether the length is its too. $7:
-- the values are instants; otherwise they are times of a clock without a zone.
WITH clock (place, zone) AS (VALUES (1, $4), (2, 'UTC')),
wall AS (
  SELECT clock.place, clock.zone,
    CASE WHEN $7::pg_catalog.bool THEN pg_catalog.timezone(clock.zone, $1::pg_catalog.timestamptz)
      ELSE $1::pg_catalog.timestamp END AS low,
    CASE WHEN $7::pg_catalog.bool THEN pg_catalog.timezone(clock.zone, $2::pg_catalog.timestamptz)
      ELSE $2::pg_catalog.timestamp END AS high,
    CASE WHEN $7::pg_catalog.bool THEN pg_catalog.timezone(clock.zone, $3::pg_catalog.timestamptz)
      ELSE $3::pg_catalog.timestamp END AS point,
    CASE WHEN $7::pg_catalog.bool THEN pg_catalog.timezone(clock.zone, $5::pg_catalog.timestamptz)
      ELSE $5::pg_catalog.timestamp END AS other_low,
    CASE WHEN $7::pg_catalog.bool THEN pg_catalog.timezone(clock.zone, $6::pg_catalog.timestamptz)
      ELSE $6::pg_catalog.timestamp END AS other_high
  FROM clock
),
counted AS (
  SELECT wall.*,
    (EXTRACT(year FROM high) * 12 + EXTRACT(month FROM high) - EXTRACT(year FROM low) * 12 - EXTRACT(month FROM low))
      ::pg_catalog.int4 AS months,
    (EXTRACT(year FROM point) * 12 + EXTRACT(month FROM point) - EXTRACT(year FROM low) * 12 - EXTRACT(month FROM low))
      ::pg_catalog.int4 AS months_to_point,
    low::pg_catalog.date - high::pg_catalog.date AS days_back,
    point::pg_catalog.date - low::pg_catalog.date AS days_to_point,
    low = pg_catalog.date_trunc('day', low) AND high = pg_catalog.date_trunc('day', high) AS is_midnight
  FROM wall
),
way AS (
  SELECT place, 1 AS rank, zone, low, high, point, other_low, other_high, pg_catalog.make_interval(months => months) AS step,
    pg_catalog.floor(months_to_point::pg_catalog.numeric / months) AS steps
  FROM counted
  WHERE is_midnight AND months > 0 AND low + pg_catalog.make_interval(months => months) = high
  UNION ALL
  SELECT place, 2, zone, low, high, point, other_low, other_high, pg_catalog.make_interval(days => - days_back),
    pg_catalog.floor(days_to_point::pg_catalog.numeric / - days_back)
  FROM counted
  WHERE is_midnight AND days_back < 0
  UNION ALL
  -- In UTC the clock's differences are those of the instants.
  SELECT place, 3, zone, low, high, point, other_low, other_high, high - low,
    pg_catalog.floor(
      EXTRACT(epoch FROM point - low)::pg_catalog.numeric / EXTRACT(epoch FROM high - low)::pg_catalog.numeric)
  FROM counted
  WHERE zone = 'UTC' AND high > low
),
placed AS (
  SELECT way.*, way.steps - CASE WHEN way.low + way.step * way.steps::pg_catalog.float8 > way.point THEN 1 ELSE 0 END AS n
  FROM way
)
SELECT placed.zone, other_low IS NULL OR other_low + step = other_high AS explains,
  CASE WHEN $7::pg_catalog.bool
    THEN pg_catalog.timezone(zone, low + step * n::pg_catalog.float8)::pg_catalog.text
    ELSE (low + step * n::pg_catalog.float8)::pg_catalog.text END AS low,
  CASE WHEN $7::pg_catalog.bool
    THEN pg_catalog.timezone(zone, low + step * (n + 1)::pg_catalog.float8)::pg_catalog.text
    ELSE (low + step * (n + 1)::pg_catalog.float8)::pg_catalog.text END AS high
FROM placed
ORDER BY explains DESC, place, rank
