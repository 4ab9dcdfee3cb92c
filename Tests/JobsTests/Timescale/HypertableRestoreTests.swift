import Essentials
import Foundation
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

/// A server with timescaledb, for tests that each have a database of their own.
enum TimescaleServer {
  static let shared = Task { try await PostgresServer.withTimescale() }
}

extension Fixture {
  /// Four days of 1,440 rows each for three devices, from 2024-01-04 on, in chunks of `interval` that are compressed.
  static func readings(
    interval: String = "7 days", compressed: Bool = true, more: String = ""
  ) async throws -> Fixture {
    try await Fixture(
      """
      CREATE EXTENSION timescaledb;
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (at timestamptz NOT NULL, device int NOT NULL, value float8);
      SELECT create_hypertable('events.clicks', 'at', chunk_time_interval => interval '\(interval)');
      INSERT INTO events.clicks SELECT t, d, extract(epoch FROM t)::int8 % 1000 + d
        FROM generate_series('2024-01-04'::timestamptz, '2024-01-07 23:59', '1 min') t, generate_series(1, 3) d;
      ALTER TABLE events.clicks SET (timescaledb.compress, timescaledb.compress_segmentby = 'device');
      \(more)
      \(compressed ? "SELECT compress_chunk(c) FROM show_chunks('events.clicks') c;" : "")
      """, server: try await TimescaleServer.shared.value)
  }

  /// The rows of the table by a hash, whatever their order.
  func hash(_ table: String = "events.clicks") async throws -> String {
    try await psql("SELECT count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM \(table) t")
  }

  /// The states of the chunks, by range.
  func chunkStates(_ table: String = "events.clicks") async throws -> String {
    try await psql(
      """
      SELECT string_agg(_timescaledb_functions.chunk_status(format('%I.%I', chunk_schema, chunk_name)::regclass)::text, ','
        ORDER BY range_start, range_start_integer, chunk_name)
      FROM timescaledb_information.chunks WHERE hypertable_schema || '.' || hypertable_name = '\(table)'
      """)
  }

  static let fourDays = "\"table\": \"events.clicks\", \"from\": \"2024-01-04\", \"to\": \"2024-01-07\""

  /// Archives the four days.
  func archiveDays() async throws {
    let report = try await backup(Self.fourDays.replacing("clicks\"", with: "clicks:at\""))
    #expect(report.status == .ok)
    #expect(report.results.map(\.rows) == [4320, 4320, 4320, 4320])
  }
}

@Suite(
  "Restores into hypertables", .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
struct HypertableRestoreTests {
  @Test("Version 2.14 is refused where continuous aggregates are to be read")
  func oldVersion() async throws {
    let fixture = try await Fixture.readings()
    let connection = try await fixture.otherSession()
    let table = TableName(schema: "events", name: "clicks")
    var hypertable = try #require(try await TableFacts.read(table, for: .write, on: connection).hypertable)
    hypertable.version = "2.14.2"
    #expect(try await ContinuousAggregate.over(hypertable, on: connection).isEmpty)
    try await fixture.psql(
      "CREATE MATERIALIZED VIEW events.hourly WITH (timescaledb.continuous) AS "
        + "SELECT time_bucket('1 hour', at) AS hour, count(*) FROM events.clicks GROUP BY 1 WITH NO DATA")
    let old = hypertable
    let error = await #expect(throws: JobError.self) {
      _ = try await ContinuousAggregate.over(old, on: connection)
    }
    #expect(error?.code == .timescaledbTooOld)
    hypertable.version = "2.15.0"
    #expect(try await ContinuousAggregate.over(hypertable, on: connection).count == 1)
    await connection.close()
    await fixture.pools.close()
  }

  @Test("Four days of one compressed chunk are replaced, again with late rows in it, and no old row stays")
  func replace() async throws {
    let fixture = try await Fixture.readings()
    try await fixture.archiveDays()
    let before = try await fixture.hash()
    for round in 0..<2 {
      if round == 1 {
        // Late rows make the chunk partly compressed; each day keeps no more than its archive has.
        try await fixture.psql(
          """
          UPDATE events.clicks SET value = -1 WHERE at < '2024-01-04 01:00+00';
          UPDATE events.clicks SET value = -2 WHERE at >= '2024-01-06 10:00+00' AND at < '2024-01-06 13:00+00';
          """)
      }
      let report = try await fixture.restore(
        "\(Fixture.fourDays), \"destination\": {\"on_existing\": \"replace\"}")
      #expect(report.status == .ok, "\(report.results.compactMap(\.error))")
      #expect(report.results.map(\.rowsLoaded) == [4320, 4320, 4320, 4320])
      #expect(try await fixture.hash() == before)
      #expect(try await fixture.chunkStates() == "1")
      // One decompression for all days of the first chunk, one compression at its end.
      let steps = report.results.map { $0.step(.decompress)?.status }
      #expect(steps == [.done, .skipped, .skipped, .skipped])
      #expect(report.results.flatMap { $0.steps.filter { $0.name == .recompress && $0.status == .done } }.count == 1)
    }
    #expect(try await fixture.psql("SELECT count(*) FROM sluice.restore_log WHERE owed IS NOT NULL") == "0")
    await fixture.pools.close()
  }

  @Test("Rows are added to a compressed chunk directly, and it is compressed again as a whole")
  func append() async throws {
    let fixture = try await Fixture.readings(interval: "1 day")
    try await fixture.archiveDays()
    let before = try await fixture.hash()
    try await fixture.psql("DELETE FROM events.clicks WHERE at >= '2024-01-05+00' AND at < '2024-01-06+00'")
    let result = try await fixture.restoreOne("\"table\": \"events.clicks\", \"date\": \"2024-01-05\"")
    #expect(result.step(.decompress)?.status == .skipped)
    #expect(try await fixture.hash() == before)
    #expect(try await fixture.chunkStates() == "1,1,1,1")
    await fixture.pools.close()
  }

  @Test("Days of different chunks are replaced side by side, without one waiting for the other's chunk")
  func sideBySide() async throws {
    let fixture = try await Fixture.readings(interval: "1 day")
    try await fixture.archiveDays()
    let before = try await fixture.hash()
    for _ in 0..<5 {
      let report = try await fixture.with { $0.concurrency = 4 }.restore(
        "\(Fixture.fourDays), \"destination\": {\"on_existing\": \"replace\"}")
      #expect(report.status == .ok, "\(report.results.compactMap(\.error))")
      #expect(try await fixture.hash() == before)
      #expect(try await fixture.chunkStates() == "1,1,1,1")
    }
    await fixture.pools.close()
  }

  @Test("A failed load leaves the chunk compressed and its rows as they were")
  func failure() async throws {
    let fixture = try await Fixture.readings()
    try await fixture.archiveDays()
    try await fixture.psql("UPDATE events.clicks SET value = 0 WHERE at < '2024-01-04 00:10+00'")
    try await fixture.psql("SELECT compress_chunk(c) FROM show_chunks('events.clicks') c")
    let before = (try await fixture.hash(), try await fixture.chunkStates())
    try await fixture.psql(
      """
      CREATE FUNCTION events.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON events.clicks FOR EACH ROW WHEN (NEW.at > '2024-01-04 22:00+00')
        EXECUTE FUNCTION events.refuse();
      """)
    let error = await #expect(throws: JobError.self) {
      _ = try await fixture.restore(
        "\"table\": \"events.clicks\", \"date\": \"2024-01-04\", \"destination\": {\"on_existing\": \"replace\"}")
    }
    guard case .array(let steps)? = error?.details["steps"] else {
      Issue.record("the error has no steps")
      return
    }
    #expect(steps.count == RestoreStep.Name.allCases.count)
    #expect(steps.compactMap(\.object).filter { $0["status"] == "failed" }.map { $0["name"] } == ["load"])
    #expect((try await fixture.hash(), try await fixture.chunkStates()) == before)
    await fixture.pools.close()
  }

  @Test("A named aggregate that is not there is 404 before anything is changed")
  func unknownAggregate() async throws {
    let fixture = try await Fixture.readings()
    try await fixture.archiveDays()
    let error = try await fixture.restoreError(
      """
      "table": "events.clicks", "date": "2024-01-04", "destination": {"on_existing": "replace"},
      "timescaledb": {"refresh_caggs": ["events.nothing"]}
      """)
    #expect(error.code == .aggregateNotFound)
    #expect(error.code.status == 404)
    #expect(try await fixture.chunkStates() == "1")
    await fixture.pools.close()
  }

  @Test("A role that does not own the table loads the rows, and is told how to have the chunk compressed")
  func notOwner() async throws {
    let fixture = try await Fixture.readings(interval: "1 day")
    try await fixture.archiveDays()
    try await fixture.psql(
      """
      DELETE FROM events.clicks WHERE at >= '2024-01-05+00' AND at < '2024-01-06+00';
      GRANT USAGE ON SCHEMA events TO plain; GRANT SELECT, INSERT, DELETE ON events.clicks TO plain;
      """)
    let pools = ConnectionPools(passwords: FixedPassword(Secret(fixture.server.plainPassword)), maximum: 4)
    let plain = Fixture(fixture, pools: pools) { $0.server.user = "plain" }
    let result = try await plain.restoreOne("\"table\": \"events.clicks\", \"date\": \"2024-01-05\"")
    #expect(result.status == .ok)
    #expect(result.rowsLoaded == 4320)
    let step = try #require(result.step(.recompress))
    #expect(step.status == .skipped)
    #expect(step.detail?.contains("not owner") == true && step.detail?.contains("GRANT") == true)
    await pools.close()
    await fixture.pools.close()
  }

  @Test("Of the chunks that are new after a load only its own are compressed")
  func madeMeanwhile() async throws {
    let fixture = try await Fixture.readings(interval: "1 day", more: "ALTER TABLE events.clicks ADD seen timestamptz;")
    try await fixture.psql(
      "UPDATE events.clicks SET seen = at; SELECT compress_chunk(c) FROM show_chunks('events.clicks') c")
    _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-04\"")
    // The target's chunks are told by another column than the archive's day.
    try await fixture.psql(
      """
      CREATE TABLE events.hits (at timestamptz, device int, value float8, seen timestamptz NOT NULL);
      SELECT create_hypertable('events.hits', 'seen', chunk_time_interval => interval '1 day');
      ALTER TABLE events.hits SET (timescaledb.compress);
      CREATE EXTENSION dblink;
      CREATE FUNCTION events.meanwhile() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM dblink_exec('host=127.0.0.1 port=\(fixture.server.port) user=\(fixture.server.superuser) '
          || 'dbname=\(fixture.database) application_name=meanwhile',
          'INSERT INTO events.hits (seen) VALUES (''2024-03-01+00'')');
        BEGIN
          INSERT INTO events.hits (seen) VALUES ('2024-04-01+00');
        EXCEPTION WHEN unique_violation THEN NULL;
        END;
        RETURN NULL;
      END $$;
      CREATE TRIGGER meanwhile BEFORE INSERT ON events.hits FOR EACH STATEMENT
        WHEN (pg_trigger_depth() = 0 AND current_setting('application_name') <> 'meanwhile')
        EXECUTE FUNCTION events.meanwhile();
      """)
    let result = try await fixture.restoreOne(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-04\", "
        + "\"destination\": {\"on_existing\": \"append\", \"target_table\": \"events.hits\"}")
    #expect(result.status == .ok, "\(result)")
    // The day's own chunk, and the one that a function made within a savepoint; not that of the other session.
    #expect(try await fixture.chunkStates("events.hits") == "1,0,1", "\(result.steps)")
    await fixture.pools.close()
  }
}

@Suite(
  "Generated columns of compressed chunks",
  .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
struct GeneratedColumnTests {
  static let day = "\"table\": \"events.clicks\", \"date\": \"2024-01-05\""
  static let staged = "\"destination\": {\"on_existing\": \"append\", \"mode\": \"staging\"}"
  static let values = "SELECT count(*) || ' ' || count(twice) || ' ' || sum(twice) FROM events.clicks"

  /// Four archived days of one compressed chunk, without the rows of the second one.
  static func archived() async throws -> (Fixture, before: String) {
    // A column cannot be added once compression is on.
    let fixture = try await Fixture.readings(
      compressed: false,
      more: """
        ALTER TABLE events.clicks SET (timescaledb.compress = false);
        ALTER TABLE events.clicks ADD COLUMN twice float8 GENERATED ALWAYS AS (value * 2) STORED;
        ALTER TABLE events.clicks SET (timescaledb.compress, timescaledb.compress_segmentby = 'device');
        SELECT compress_chunk(c) FROM show_chunks('events.clicks') c;
        """)
    try await fixture.archiveDays()
    let before = try await fixture.psql(values)
    try await fixture.psql(
      """
      SELECT decompress_chunk(c) FROM show_chunks('events.clicks') c;
      DELETE FROM events.clicks WHERE at >= '2024-01-05+00' AND at < '2024-01-06+00';
      SELECT compress_chunk(c) FROM show_chunks('events.clicks') c;
      """)
    return (fixture, before)
  }

  @Test("Rows that are staged for a compressed chunk keep their generated values, since it is decompressed before")
  func staged() async throws {
    let (fixture, before) = try await Self.archived()
    let result = try await fixture.restoreOne("\(Self.day), \(Self.staged)")
    #expect(result.step(.decompress)?.status == .done && result.step(.recompress)?.status == .done)
    #expect(try await fixture.psql(Self.values) == before)
    #expect(try await fixture.chunkStates() == "1")
    await fixture.pools.close()
  }

  @Test("Where the chunk must stay compressed, staged rows are refused, and direct ones keep their generated values")
  func direct() async throws {
    let (fixture, before) = try await Self.archived()
    let now = try await fixture.psql(Self.values)
    let error = try await fixture.restoreError(
      "\(Self.day), \(Self.staged), \"timescaledb\": {\"decompress_window\": false}")
    #expect(error.code == .generatedLost && error.field == "destination.mode")
    #expect(try await fixture.psql(Self.values) == now)
    _ = try await fixture.restoreOne("\(Self.day), \"destination\": {\"on_existing\": \"append\"}")
    #expect(try await fixture.psql(Self.values) == before)
    await fixture.pools.close()
  }
}
