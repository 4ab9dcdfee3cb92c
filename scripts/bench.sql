-- Telemetry of three days: about 0.2, 1 and 2 GB of CSV. One partition a day, so that a day is read without the others.
CREATE SCHEMA bench;
CREATE TABLE bench.telemetry (
  ts timestamptz NOT NULL,
  device_id int NOT NULL,
  metric text NOT NULL,
  value double precision,
  quality numeric(8, 3),
  session uuid,
  note text
) PARTITION BY RANGE (ts);
CREATE UNLOGGED TABLE bench.day1 PARTITION OF bench.telemetry FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-01-02 00:00+00');
CREATE UNLOGGED TABLE bench.day2 PARTITION OF bench.telemetry FOR VALUES FROM ('2024-01-02 00:00+00') TO ('2024-01-03 00:00+00');
CREATE UNLOGGED TABLE bench.day3 PARTITION OF bench.telemetry FOR VALUES FROM ('2024-01-03 00:00+00') TO ('2024-01-04 00:00+00');

CREATE PROCEDURE bench.fill(day date, count int) LANGUAGE sql AS $$
  INSERT INTO bench.telemetry
  SELECT (day || ' 00:00+00')::timestamptz + i * (interval '86400 seconds' / count),
    (i * 7919::bigint % 5000)::int,
    (ARRAY['temperature', 'humidity', 'vibration_x', 'vibration_y', 'battery_voltage'])[1 + i % 5],
    20 + 10 * sin(i / 1000.0) + random(),
    (random() * 100)::numeric(8, 3),
    md5((i / 100)::text)::uuid,
    CASE WHEN i % 10 = 0 THEN 'firmware 4.' || i % 7 || ', "north" wing' ELSE 'ok' END
  FROM generate_series(0, count - 1) AS i
$$;
CALL bench.fill('2024-01-01', 1700000);
CALL bench.fill('2024-01-02', 8500000);
CALL bench.fill('2024-01-03', 17000000);
CREATE UNLOGGED TABLE bench.restored (LIKE bench.telemetry);
VACUUM ANALYZE bench.telemetry;
