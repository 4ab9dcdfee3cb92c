-- The demo's table: a few hundred thousand rows of every common type, most of them of 2024-01-01.
CREATE SCHEMA events;
CREATE TYPE events.placement AS ENUM ('top', 'side', 'in "feed"');
CREATE DOMAIN events.email AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE events.bannerclicked (
  id bigint GENERATED ALWAYS AS IDENTITY,
  received_at timestamptz NOT NULL,
  shown_at timestamp,
  campaign_day date,
  price numeric(20, 6),
  net_price numeric GENERATED ALWAYS AS (price * 0.8) STORED,
  score double precision,
  ratio real,
  title text,
  note text,
  raw bytea,
  session uuid,
  payload jsonb,
  tags text[],
  counts int[],
  clicked boolean,
  dwell interval,
  ip inet,
  placement events.placement,
  contact events.email
);
INSERT INTO events.bannerclicked (
  received_at, shown_at, campaign_day, price, score, ratio, title, note, raw, session, payload, tags, counts, clicked,
  dwell, ip, placement, contact)
SELECT
  timestamptz '2023-12-31 23:50:00+00' + i * interval '290 milliseconds',
  timestamp '2024-01-01' - i * interval '1 second',
  date '2024-01-01' + i % 30,
  CASE WHEN i % 17 = 0 THEN 'NaN' ELSE (i::bigint * 7919 % 1000003) / 997.0 END,
  CASE i % 11 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' WHEN 2 THEN '-Infinity' ELSE sqrt(i) / 3 END,
  i / 7.0,
  CASE i % 8
    WHEN 0 THEN 'say "hello", twice'
    WHEN 1 THEN E'two\nlines, and\r\nmore'
    WHEN 2 THEN E'back\\slash \\n'
    WHEN 3 THEN E'before\n\\.\nafter'
    WHEN 4 THEN '\.'
    WHEN 5 THEN 'Grüße, 世界 🚰'
    ELSE md5(i::text)
  END,
  CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'NULL' END,
  decode(md5(i::text), 'hex'),
  md5(i::text)::uuid,
  jsonb_build_object('i', i, 'text', E'a "quoted"\nline', 'list', jsonb_build_array(i, NULL, 1.5)),
  ARRAY[md5(i::text), 'a,b', 'c"d', '', NULL],
  ARRAY[i, -i, NULL],
  CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END,
  i * interval '1 day 3 hours 7.123 seconds' / 1000,
  ('10.' || i % 256 || '.' || i / 256 % 256 || '.1/' || 8 + i % 24)::inet,
  (enum_range(NULL::events.placement))[1 + i % 3],
  'user' || i || '@example.org'
FROM generate_series(1, 320000) AS i;
ANALYZE events.bannerclicked;
