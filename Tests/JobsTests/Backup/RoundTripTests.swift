import Foundation
import Jobs
import TestSupport
import Testing

@testable import Reporting

@Suite("From the table to the lake and back")
struct RoundTripTests {
  /// Proves by EXCEPT ALL both ways, and by a hash that does not know an order, that `table` is what `original` was.
  func expectSame(_ fixture: Fixture, _ table: String, _ original: String, _ columns: String = "*") async throws {
    for (one, other) in [(table, original), (original, table)] {
      let difference = "SELECT \(columns) FROM \(one) EXCEPT ALL SELECT \(columns) FROM \(other)"
      #expect(try await fixture.psql("SELECT count(*) FROM (\(difference)) x") == "0", "\(one) has more")
    }
    func hash(_ table: String) async throws -> String {
      try await fixture.psql(
        "SELECT count(*), sum(hashtextextended(x::text, 7)::numeric) FROM (SELECT \(columns) FROM \(table)) x")
    }
    #expect(try await hash(table) == hash(original))
  }

  static let everything = """
    CREATE SCHEMA events;
    CREATE TYPE mood AS ENUM ('good', 'so, so', 'b"ad');
    CREATE TYPE pair AS (a int, b text);
    CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE TABLE events.everything (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      at timestamptz NOT NULL, local timestamp, day date, clock time, clockz timetz, span interval,
      n2 smallint, n4 int, n8 bigint, amount numeric, price numeric(12,4), f4 real, f8 double precision,
      note text, code varchar(40), fixed char(5), raw bytea, uid uuid, doc jsonb, plain json, flags bit(4),
      numbers int[], texts text[][], yes boolean, address inet, net cidr, mac macaddr, during tstzrange,
      feeling mood, many positive, couple pair, vec tsvector, money money,
      twice int GENERATED ALWAYS AS (n4 * 2) STORED,
      dropped text);
    ALTER TABLE events.everything DROP COLUMN dropped;
    INSERT INTO events.everything (at, local, day, clock, clockz, span, n2, n4, n8, amount, price, f4, f8, note, code,
      fixed, raw, uid, doc, plain, flags, numbers, texts, yes, address, net, mac, during, feeling, many, couple, vec, money)
    SELECT '2024-01-01'::timestamptz + i * interval '7.123457 seconds', '2024-01-01'::timestamp + i * interval '1 h',
      '2024-01-01'::date - i, '12:34:56.789012'::time, '23:59:59.999999-07'::timetz,
      make_interval(years => i, months => -3, days => 7, secs => i * 0.000001), (i % 30000)::smallint, -i, i * 9000000000,
      i / 7.0::numeric, i * 1.2345, i / 3.0::real, i / 3.0::float8,
      CASE i % 9 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN E'line\\n\\\\.\\nline' WHEN 3 THEN '\\.' WHEN 4 THEN 'a,"b",''c'''
        WHEN 5 THEN E'tab\\tback\\\\slash\\r\\nend' WHEN 6 THEN 'NULL' WHEN 7 THEN ' äöü 🙂 ' ELSE '""' END,
      'code ' || i, 'ab', decode(lpad(to_hex(i), 8, '0'), 'hex'), md5(i::text)::uuid,
      jsonb_build_object('i', i, 'text', E'a"b\\nc'), '{"b": 1,   "a": [1, null]}', B'1010', ARRAY[i, NULL, -i],
      ARRAY[['a,b', 'c"d'], ['', 'NULL']], i % 2 = 0, '192.168.0.1/24', '10.0.0.0/8', '08:00:2b:01:02:03',
      tstzrange('2024-01-01', '2024-01-02', '[)'), (ARRAY['good', 'so, so', 'b"ad']::mood[])[i % 3 + 1], i,
      ROW(i, 'x,"y"')::pair, 'a fat cat'::tsvector, 12.5::money
    FROM generate_series(1, 5000) i;
    INSERT INTO events.everything (at, f8, f4, amount, day, local, span, note) VALUES
      ('2024-01-01 10:00+00', 'NaN', 'Infinity', 'NaN', 'infinity', '-infinity', '-1 day +02:03', E'\\\\.'),
      ('2024-01-01 10:00+00', '-Infinity', 'NaN', 'Infinity', '0044-03-15 BC', 'infinity', '0', E'\\n'),
      ('2024-01-01 10:00+00', 1.7976931348623157e308, 1e-40, 1e-300, NULL, NULL, NULL, NULL),
      ('2024-01-01 10:00+00', 5e-324, -0.0, 1e300, NULL, NULL, NULL, NULL);
    CREATE TABLE original AS TABLE events.everything;
    """

  @Test("Every type is restored as it was", arguments: ["direct", "staging"])
  func types(mode: String) async throws {
    let fixture = try await Fixture(Self.everything)
    let backup = try await fixture.backupOne("\"table\": \"events.everything:at\", \"date\": \"2024-01-01\"")
    #expect(backup.status == .ok)
    #expect(backup.rows == 5004)
    try await fixture.psql("DELETE FROM events.everything")
    let restored = try await fixture.restoreOne(
      "\"table\": \"events.everything\", \"date\": \"2024-01-01\", \"destination\": {\"mode\": \"\(mode)\"}")
    #expect(restored.status == .ok)
    #expect(restored.rowsLoaded == 5004)
    #expect(restored.rowsSkipped == 0)
    #expect(!restored.columnsLoaded.contains("twice"))
    #expect(restored.csvBytes == backup.csvBytes)
    #expect(restored.gzipBytes == backup.gzipBytes)
    let columns = try await fixture.psql(
      "SELECT string_agg(attname, ',') FROM pg_attribute WHERE attrelid = 'events.everything'::regclass AND attnum > 0"
        + " AND NOT attisdropped AND attname <> 'plain'")
    try await expectSame(fixture, "events.everything", "original", columns + ",plain::text")
  }

  @Test("A single column keeps NULL, an empty text and \\. apart")
  func nulls() async throws {
    let fixture = try await Fixture(
      """
      CREATE TABLE public.one (day date);
      CREATE TABLE public.words (w text, day date);
      ALTER TABLE public.words ALTER day SET DEFAULT '2024-01-01';
      INSERT INTO public.words (w) VALUES (NULL), (''), ('\\.'), (E'\\n'), (E'\\\\.\\n\\\\.'), (NULL), ('w');
      CREATE TABLE original AS TABLE words;
      """)
    let csv = try await fixture.psql("COPY (SELECT w FROM words) TO STDOUT (FORMAT csv, HEADER)") + "\n"
    try await fixture.put(csv, at: "\(fixture.database)/public.words.2024-01-01.csv.gz")
    try await fixture.psql("DELETE FROM words")
    let result = try await fixture.restoreOne(
      "\"table\": \"public.words\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\"}")
    #expect(result.rowsLoaded == 7)
    #expect(result.columnsLoaded == ["w"])
    try await expectSame(fixture, "words", "original")
  }

  @Test("A table of one column is archived and restored")
  func oneColumn() async throws {
    let fixture = try await Fixture(
      """
      CREATE TABLE public.one (day date);
      INSERT INTO public.one SELECT '2024-01-01' FROM generate_series(1, 3);
      CREATE TABLE original AS TABLE one;
      """)
    let request = "\"table\": \"public.one\", \"date\": \"2024-01-01\""
    #expect(try await fixture.backupOne(request + ", \"time_column\": \"day\"").rows == 3)
    try await fixture.psql("TRUNCATE one")
    #expect(try await fixture.restoreOne(request).rowsLoaded == 3)
    try await expectSame(fixture, "one", "original")
  }

  @Test("Names that need quotes are archived and restored")
  func quotedNames() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA "Odd Schema";
      CREATE TABLE "Odd Schema"."we;ird ""name"".x" ("when,at" timestamptz, "a""b" int, E"x" int, "line
      break" text);
      INSERT INTO "Odd Schema"."we;ird ""name"".x" VALUES ('2024-01-01 10:00+00', 1, 2, 'x');
      CREATE TABLE original AS TABLE "Odd Schema"."we;ird ""name"".x";
      """.replacing("E\"x\"", with: "\"; DROP TABLE original; --\""))
    let name = "Odd Schema.\\\"we;ird \\\"\\\"name\\\"\\\".x\\\""
    let backup = try await fixture.backupOne(
      "\"table\": \"\(name)\", \"date\": \"2024-01-01\", \"time_column\": \"when,at\"")
    #expect(backup.path == "\(fixture.database)/Odd%20Schema.we%3Bird%20%22name%22%2Ex.2024-01-01.csv.gz")
    #expect(backup.rows == 1)
    try await fixture.psql("TRUNCATE \"Odd Schema\".\"we;ird \"\"name\"\".x\"")
    let restored = try await fixture.restoreOne("\"table\": \"\(name)\", \"date\": \"2024-01-01\"")
    #expect(restored.columnsLoaded == ["when,at", "a\"b", "; DROP TABLE original; --", "line\nbreak"])
    try await expectSame(fixture, "\"Odd Schema\".\"we;ird \"\"name\"\".x\"", "original")
  }

  @Test("The time column of a partitioned table is its partition key, and its rows are restored")
  func partitioned() async throws {
    let fixture = try await Fixture(
      """
      CREATE TABLE public.parts (at timestamptz NOT NULL, n int) PARTITION BY RANGE (at);
      CREATE TABLE public.p1 PARTITION OF parts FOR VALUES FROM ('2023-01-01') TO ('2024-01-01 12:00+00');
      CREATE TABLE public.p2 PARTITION OF parts FOR VALUES FROM ('2024-01-01 12:00+00') TO ('2025-01-01');
      INSERT INTO parts SELECT '2024-01-01'::timestamptz + i * interval '1 hour', i FROM generate_series(-5, 30) i;
      CREATE TABLE original AS TABLE parts;
      """)
    let request = "\"table\": \"public.parts\", \"date\": \"2024-01-01\""
    #expect(try await fixture.backupOne(request).rows == 24)
    try await fixture.psql("DELETE FROM parts WHERE at >= '2024-01-01' AND at < '2024-01-02'")
    #expect(try await fixture.restoreOne(request).rowsLoaded == 24)
    try await expectSame(fixture, "parts", "original")
  }

  @Test("A day that is larger than every buffer is archived and restored")
  func large() async throws {
    let fixture = try await Fixture(
      """
      CREATE TABLE public.big (at timestamptz, n int, t text);
      INSERT INTO big SELECT '2024-01-01'::timestamptz + i * interval '1 ms', i, md5(i::text) || E'\\n'
        FROM generate_series(1, 60000) i;
      CREATE TABLE original AS TABLE big;
      """)
    let request = "\"table\": \"public.big\", \"date\": \"2024-01-01\""
    let progress = JobProgress()
    let report = try await fixture.backup(
      request + ", \"time_column\": \"at\", \"compression_level\": 6", progress: progress)
    #expect(report.status == .ok)
    #expect(progress.reading.csvBytes == report.results[0].csvBytes)
    #expect(progress.reading.finishedUnits == 1)
    try await fixture.psql("TRUNCATE big")
    #expect(try await fixture.restoreOne(request).rowsLoaded == 60_000)
    try await expectSame(fixture, "big", "original")
  }
}
