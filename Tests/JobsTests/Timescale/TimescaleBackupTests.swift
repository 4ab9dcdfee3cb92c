import Configuration
import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays
import TestSupport
import Testing

@testable import Jobs

/// Backups of hypertables, of their chunks, and of what is computed from them.
@Suite(
  "Backups of TimescaleDB", .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
struct TimescaleBackupTests {
  /// Days of 1,440 rows from 2024-01-01 to 2024-01-03, in a chunk each.
  static func days(_ type: String = "timestamptz", interval: String = "interval '1 day'", more: String = "") -> String {
    """
    CREATE EXTENSION timescaledb;
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, at \(type) NOT NULL, note text);
    SELECT create_hypertable('events.clicks', 'at', chunk_time_interval => \(interval)\(more));
    INSERT INTO events.clicks
      SELECT i, '2024-01-01 00:00+00'::timestamptz AT TIME ZONE 'UTC' + i * interval '1 min', 'n' || i % 7
      FROM generate_series(0, 4319) i;
    ALTER TABLE events.clicks SET (timescaledb.compress, timescaledb.compress_segmentby = 'note');
    """
  }

  /// The same with times that are counted in milliseconds.
  static let integers = """
    CREATE EXTENSION timescaledb;
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, at bigint NOT NULL, note text);
    SELECT create_hypertable('events.clicks', 'at', chunk_time_interval => 86400000);
    INSERT INTO events.clicks SELECT i, 1704067200000 + i * 60000::bigint, 'n' FROM generate_series(0, 4319) i;
    """

  static let hourly = """
    CREATE MATERIALIZED VIEW events.hourly WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
      SELECT time_bucket('1 hour', at) AS bucket, note, count(*) AS n FROM events.clicks GROUP BY 1, 2 WITH NO DATA;
    CALL refresh_continuous_aggregate('events.hourly', '2024-01-01', '2024-01-03');
    """

  /// Runs `body` with a database of its own on a server of its own.
  func withFixture(
    _ sql: String, server: PostgresServer? = nil, settings: [String: String] = [:],
    _ body: (Fixture) async throws -> Void
  ) async throws {
    let own = if let server { server } else { try await PostgresServer.withTimescale() }
    // psql sends each -c, and each line of its input, by itself: CALL refresh needs that.
    let fixture = try await Fixture(sql, settings: settings, server: own)
    try await body(fixture)
    await fixture.pools.close()
    await own.stopAndWait()
  }

  static let day = "\"table\": \"events.clicks\", \"date\": \"2024-01-02\""

  @Test(
    "A day of a hypertable is archived by its dimension without naming it",
    arguments: [
      days(), days("timestamp"), days(interval: "interval '7 days'"),
      days(more: ", partitioning_column => 'id', number_partitions => 3"), integers,
    ])
  func dimension(sql: String) async throws {
    try await withFixture(sql) { fixture in
      let result = try await fixture.backupOne(Self.day)
      #expect(result.rows == 1440, "\(result.error as Any)")
      #expect(result.warnings.filter { !$0.contains("confirm it") } == [])
      try await fixture.psql("DELETE FROM events.clicks WHERE id BETWEEN 1440 AND 2879")
      #expect(try await fixture.restoreOne(Self.day).rowsLoaded == 1440)
      #expect(try await fixture.count() == 4320)
    }
  }

  @Test("A time column that is not the dimension is a warning")
  func otherColumn() async throws {
    try await withFixture(
      Self.days() + "ALTER TABLE events.clicks ADD seen timestamptz; UPDATE events.clicks SET seen = at;"
    ) {
      let result = try await $0.backupOne("\"table\": \"events.clicks:seen\", \"date\": \"2024-01-02\"")
      #expect(result.rows == 1440, "\(result.error as Any)")
      #expect(
        result.warnings.contains { $0.hasPrefix("seen is not the column by which events.clicks is partitioned (at)") })
    }
  }

  @Test("The unit of a hypertable without rows is told by its integer_now function")
  func integerNow() async throws {
    try await withFixture(
      Self.integers
        + """
        CREATE FUNCTION events.now_ms() RETURNS bigint LANGUAGE SQL STABLE AS $$ SELECT (extract(epoch FROM now()) * 1000)::bigint $$;
        SELECT set_integer_now_func('events.clicks', 'events.now_ms');
        """
    ) { fixture in
      try await fixture.psql("TRUNCATE events.clicks")
      let result = try await fixture.backupOne(Self.day)
      #expect(result.skipped == "no chunk", "\(result)")
      // Another role's function would run with the rights of this one.
      try await fixture.psql("ALTER FUNCTION events.now_ms() OWNER TO plain")
      #expect(try await fixture.backupError(Self.day).code == .badTimeColumn)
    }
  }

  @Test(
    "A continuous aggregate is archived like a table, real-time rows too, restores into a plain table, not into itself")
  func aggregate() async throws {
    try await withFixture(Self.days() + Self.hourly) { fixture in
      for (day, rows) in [("2024-01-02", 24 * 7), ("2024-01-03", 24 * 7)] {
        let result = try await fixture.backupOne("\"table\": \"events.hourly\", \"date\": \"\(day)\"")
        #expect(result.rows == rows, "\(day) \(result.error as Any)")
        #expect(result.warnings == [])
      }
      let archive = "\"table\": \"events.hourly\", \"date\": \"2024-01-02\""
      let error = try await fixture.restoreError(archive)
      #expect(error.code == .notATable && error.message.contains("restore its raw rows and refresh it"))
      try await fixture.psql("CREATE TABLE events.scratch (bucket timestamptz, note text, n bigint)")
      let restored = try await fixture.restoreOne("\(archive), \"destination\": {\"target_table\": \"events.scratch\"}")
      #expect(restored.rowsLoaded == 24 * 7)
      #expect(
        try await fixture.psql(
          "SELECT count(*) FROM (SELECT * FROM events.hourly WHERE bucket >= '2024-01-02' AND bucket < '2024-01-03' "
            + "EXCEPT SELECT * FROM events.scratch) AS x") == "0")
      // It outlives its raw rows.
      try await fixture.psql("SELECT drop_chunks('events.clicks', older_than => '2024-01-04'::timestamptz)")
      let again = try await fixture.backupOne("\"table\": \"events.hourly\", \"date\": \"2024-01-01\"")
      #expect(again.rows == 24 * 7)
    }
  }

  @Test(
    "A backup of an aggregate that waits for its table, or for the raw one, archives its rows",
    arguments: [true, false])
  func aggregateWaits(isRaw: Bool) async throws {
    try await withFixture(Self.days() + Self.hourly) { fixture in
      let table =
        isRaw
        ? "events.clicks"
        : try await fixture.psql(
          "SELECT format('%I.%I', schema_name, table_name) FROM _timescaledb_catalog.hypertable WHERE table_name LIKE '_mat%'"
        )
      if !isRaw { try await fixture.psql("ALTER MATERIALIZED VIEW events.hourly SET (timescaledb.compress)") }
      try await fixture.psql("SELECT compress_chunk(c) FROM show_chunks('\(table)') c")
      let other = try await fixture.otherSession()
      try await other.query("BEGIN")
      try await other.query("SELECT decompress_chunk(c) FROM show_chunks('\(table)') c")
      let day = isRaw ? "2024-01-03" : "2024-01-02"
      let backup = Task { try await fixture.backupOne("\"table\": \"events.hourly\", \"date\": \"\(day)\"") }
      try await fixture.waitUntilBlocked()
      try await other.query("COMMIT")
      let result = try await backup.value
      #expect(result.rows == 24 * 7, "\(result.error as Any)")
      await other.close()
    }
  }

  @Test(
    "A backup that waits, also in its second attempt, never archives too few rows", arguments: [true, false],
    [
      "SELECT decompress_chunk(c) FROM show_chunks('events.clicks') c",
      "SELECT compress_chunk(decompress_chunk(c)) FROM show_chunks('events.clicks') c",
      "SELECT drop_chunks('events.clicks', older_than => '2024-01-04'::timestamptz)", "TRUNCATE events.clicks",
    ])
  func waits(isLong: Bool, statement: String) async throws {
    try await withFixture(Self.days()) { fixture in
      try await fixture.psql("SELECT compress_chunk(c) FROM show_chunks('events.clicks') c")
      let other = try await fixture.otherSession()
      try await other.query("BEGIN")
      try await other.query(statement)
      let backup = Task { try await fixture.backupOne(Self.day) }
      try await fixture.waitUntilBlocked()
      if isLong {
        try await eventually {
          try await fixture.psql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(fixture.database)' AND wait_event_type = 'Lock' "
              + "AND query LIKE 'SELECT FROM%'") == "1"
        }
      }
      try await other.query("COMMIT")
      let result = try await backup.value
      if statement.contains("drop_chunks") || statement.contains("TRUNCATE") {
        #expect(result.skipped == "no chunk", "\(result)")
        #expect(fixture.files == [])
      } else {
        #expect(result.rows == 1440, "\(result)")
      }
      await other.close()
    }
  }

  @Test("Under the Apache edition a day with a compressed chunk is refused, in backups and in the nightly review")
  func apache() async throws {
    let server = try await PostgresServer.withTimescale()
    try await withFixture(
      Self.days(), server: server, settings: ["BACKUP_TABLES": "events.clicks", "BACKUP_LOOKBACK_DAYS": "9"]
    ) { fixture in
      _ = try await fixture.backup("\"table\": \"events.clicks\", \"from\": \"2024-01-01\", \"to\": \"2024-01-03\"")
      try await fixture.psql(
        "SELECT compress_chunk(c) FROM show_chunks('events.clicks', older_than => '2024-01-03'::timestamptz) c;"
          + "CREATE VIEW events.seen AS SELECT * FROM events.clicks")
      // The edition can only be chosen when the server starts.
      try await fixture.psql("ALTER SYSTEM SET timescaledb.license = 'apache'")
      try await server.restart()
      let again = try await Fixture(other: fixture)
      let error = try await again.backupError(Self.day + ", \"overwrite\": true")
      #expect(error.code == .chunkNotReadable, "\(error)")
      #expect(error.message.contains("timescaledb.license"))
      let view = try await again.backupError(
        "\"table\": \"events.seen:at\", \"date\": \"2024-01-02\", \"allow_view\": true")
      #expect(view.code == .chunkNotReadable, "\(view)")
      let plain = try await again.backupOne(
        "\"table\": \"events.clicks\", \"date\": \"2024-01-03\", \"overwrite\": true")
      #expect(plain.rows == 1440, "\(plain)")
      let report = try await NightlyBackup(again.context, again.settings.backup).run()
      #expect(report.changed == [] && report.unreviewed == [TableName(schema: "events", name: "clicks")], "\(report)")
      await again.pools.close()
    }
  }

  @Test("A day whose chunk was dropped is skipped, told as dropped beside its archive, and never replaces it")
  func dropped() async throws {
    try await withFixture(Self.days(more: ", partitioning_column => 'id', number_partitions => 3")) { fixture in
      #expect(try await fixture.backupOne(Self.day).rows == 1440)
      let before = try fixture.bytes("\(fixture.database)/events.clicks.2024-01-02.csv.gz")
      try await fixture.psql(
        "SELECT drop_chunks('events.clicks', older_than => '2024-01-03'::timestamptz, newer_than => '2024-01-02'::timestamptz)"
      )
      for more in ["", ", \"overwrite\": true", ", \"overwrite\": true, \"force\": true, \"empty\": \"archive\""] {
        let result = try await fixture.backupOne(Self.day + more)
        #expect(result.status == .skipped && result.dropped == true, "\(result)")
        #expect(result.skipped == (more.isEmpty ? "exists" : "no chunk"))
        #expect(result.rows == 1440 && result.path != nil)
        #expect(result.warnings.contains { $0.contains("was dropped") })
      }
      #expect(try fixture.bytes("\(fixture.database)/events.clicks.2024-01-02.csv.gz") == before)
      let never = try await fixture.backupOne(
        "\"table\": \"events.clicks\", \"date\": \"2023-06-01\", \"empty\": \"archive\"")
      #expect(never.skipped == "no chunk" && never.dropped == nil && never.rows == 0)
      #expect(!fixture.files.contains { $0.contains("2023-06-01") })
    }
  }

  @Test("A nightly run does not call days without a chunk ones that were never archived")
  func review() async throws {
    try await withFixture(Self.days(), settings: ["BACKUP_TABLES": "events.clicks", "BACKUP_LOOKBACK_DAYS": "3"]) {
      fixture in
      // A gap of one day, before the look-back.
      try await fixture.psql(
        "SELECT drop_chunks('events.clicks', older_than => '2024-01-03'::timestamptz, newer_than => '2024-01-02'::timestamptz)"
      )
      let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
      #expect(report.backup.results.map(\.skipped) == ["no chunk", "no chunk", "no chunk"])
      #expect(report.unarchived.map { "\($0.from) \($0.to)" } == ["2024-01-01 2024-01-01", "2024-01-03 2024-01-03"])
    }
  }
}
