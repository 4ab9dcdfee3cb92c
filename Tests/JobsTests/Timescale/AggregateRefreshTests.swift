import Database
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

@Suite(
  "Continuous aggregates after a restore",
  .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
struct AggregateRefreshTests {
  /// Fourteen archived days in chunks of a day, with aggregates of every kind of bucket, each refreshed.
  static func aggregates(days: Int = 14) async throws -> Fixture {
    let fixture = try await Fixture(
      """
      CREATE EXTENSION timescaledb;
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (at timestamptz NOT NULL, device int NOT NULL, value float8);
      SELECT create_hypertable('events.clicks', 'at', chunk_time_interval => interval '1 day');
      INSERT INTO events.clicks SELECT t, d, extract(epoch FROM t)::int8 % 1000 + d
        FROM generate_series('2024-01-01'::timestamptz, '2024-01-01'::timestamptz + interval '\(days) days' - interval '10 min',
          '10 min') t, generate_series(1, 3) d;
      """, server: try await TimescaleServer.shared.value)
    for (name, bucket, source) in [
      ("hourly", "time_bucket('1 hour', at)", "events.clicks"),
      ("odd", "time_bucket('17 min', at)", "events.clicks"),
      ("weekly", "time_bucket('1 week', at)", "events.clicks"),
      ("berlin", "time_bucket('1 day', at, 'Europe/Berlin')", "events.clicks"),
      ("monthly", "time_bucket('1 month', at, 'Europe/Berlin')", "events.clicks"),
      ("daily", "time_bucket('1 day', at)", "events.hourly"),
    ] {
      try await fixture.psql(
        """
        CREATE MATERIALIZED VIEW events.\(name) WITH (timescaledb.continuous, timescaledb.materialized_only = \(name != "odd")) AS
          SELECT \(bucket) AS at, device, sum(value) AS value, count(*) AS n FROM \(source) GROUP BY 1, 2 WITH NO DATA
        """)
      try await fixture.psql("CALL refresh_continuous_aggregate('events.\(name)', NULL, NULL)")
    }
    return fixture
  }

  static let views = ["hourly", "odd", "weekly", "berlin", "monthly", "daily"].map { "events.\($0)" }

  static func days(_ first: Int, _ last: Int) -> String {
    String(format: "\"table\": \"events.clicks\", \"from\": \"2024-01-%02d\", \"to\": \"2024-01-%02d\"", first, last)
  }

  func hashes(_ fixture: Fixture) async throws -> [String] {
    var hashes: [String] = []
    for view in Self.views { hashes.append(try await fixture.hash(view)) }
    return hashes
  }

  @Test("Days that were dropped and restored leave every aggregate as it was")
  func everyKind() async throws {
    let fixture = try await Self.aggregates(days: 9)
    let before = try await hashes(fixture)
    _ = try await fixture.backup(Self.days(1, 9).replacing("clicks\"", with: "clicks:at\""))
    try await fixture.psql("SELECT drop_chunks('events.clicks', older_than => '2024-01-04'::timestamptz)")
    let report = try await fixture.restore(
      "\(Self.days(1, 3)), \"timescaledb\": {\"refresh_caggs\": \"all\"}")
    #expect(report.status == .ok, "\(report.results)")
    #expect(try await hashes(fixture) == before)
    #expect(report.results.allSatisfy { $0.warnings.isEmpty }, "\(report.results.map(\.warnings))")
    // Once for all days, with the last result that was told.
    let steps = report.results.flatMap(\.steps).filter { $0.name == .refresh && $0.status == .done }
    #expect(steps.count == Self.views.count, "\(steps)")
    await fixture.pools.close()
  }

  @Test("A bucket of which other days were dropped is left as it is, and the days are named")
  func leftBucket() async throws {
    let fixture = try await Self.aggregates(days: 9)
    let before = try await hashes(fixture)
    _ = try await fixture.backup(Self.days(1, 9).replacing("clicks\"", with: "clicks:at\""))
    try await fixture.psql("SELECT drop_chunks('events.clicks', older_than => '2024-01-04'::timestamptz)")
    let result = try await fixture.restoreOne(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-02\", \"timescaledb\": {\"refresh_caggs\": \"all\"}")
    #expect(result.status == .ok)
    let weekly = try #require(result.steps.first { $0.touched.first?.hasPrefix("events.weekly") == true })
    #expect(weekly.status == .skipped)
    #expect(weekly.detail?.contains("2024-01-01, 2024-01-03 lack rows") == true, "\(weekly)")
    let hourly = try #require(result.steps.first { $0.touched.first?.hasPrefix("events.hourly") == true })
    #expect(hourly.status == .done)
    #expect(try await hashes(fixture) == before)
    await fixture.pools.close()
  }

  @Test("An aggregate over one that failed is not refreshed, and both are owed until they are resumed")
  func owed() async throws {
    let fixture = try await Self.aggregates(days: 9)
    _ = try await fixture.backup(Self.days(1, 9).replacing("clicks\"", with: "clicks:at\""))
    let before = try await hashes(fixture)
    try await fixture.psql("SELECT drop_chunks('events.clicks', older_than => '2024-01-02'::timestamptz)")
    // Another session refreshes the aggregate, and holds its lock.
    let other = try await fixture.otherSession()
    let name = try await fixture.psql(
      "SELECT format('%I.%I', h.schema_name, h.table_name) FROM _timescaledb_catalog.continuous_agg a "
        + "JOIN _timescaledb_catalog.hypertable h ON h.id = a.mat_hypertable_id WHERE user_view_name = 'hourly'")
    try await other.query("BEGIN")
    try await other.query("LOCK TABLE \(name) IN ACCESS EXCLUSIVE MODE")
    let result = try await fixture.with { $0.lockTimeoutSeconds = 1 }.restoreOne(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"timescaledb\": {\"refresh_caggs\": [\"events.daily\", \"events.hourly\"]}"
    )
    #expect(result.status == .partial)
    #expect(result.rowsLoaded == 432)
    let steps = result.steps.filter { $0.name == .refresh }
    #expect(steps.map(\.status) == [.failed, .failed])
    #expect(steps.map(\.code) == [.locked, .stepsOwed])
    let load = try #require(result.load)
    #expect(result.warnings.contains { $0.contains("sluice restore resume \(load)") })
    await #expect(throws: JobError.self) { _ = try await fixture.restoreJob().resume(load: "another") }
    try await other.query("COMMIT")
    await other.close()
    let resumed = try await fixture.restoreJob().resume(load: load)
    #expect(resumed.status == .ok)
    #expect(resumed.results.first?.steps.filter { $0.name == .refresh }.map(\.status) == [.done, .done])
    #expect(try await hashes(fixture) == before)
    #expect(try await fixture.psql("SELECT count(*) FROM sluice.restore_log WHERE owed IS NOT NULL") == "0")
    await fixture.pools.close()
  }

  @Test("A restore into another table looks up the days that lack rows in the archives of the table it reads")
  func targetTable() async throws {
    let fixture = try await Fixture.readings(
      interval: "1 day", compressed: false,
      more: """
        CREATE TABLE events.copy (LIKE events.clicks);
        SELECT create_hypertable('events.copy', 'at', chunk_time_interval => interval '1 day');
        INSERT INTO events.copy SELECT * FROM events.clicks;
        CREATE MATERIALIZED VIEW events.weekly WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
          SELECT time_bucket('1 week', at) AS at, count(*) AS n FROM events.copy GROUP BY 1;
        """)
    try await fixture.archiveDays()
    try await fixture.psql("SELECT drop_chunks('events.copy', older_than => '2024-01-06'::timestamptz)")
    let restore =
      "\"table\": \"events.clicks\", \"date\": \"2024-01-05\", \"destination\": {\"target_table\": \"events.copy\"}, "
      + "\"timescaledb\": {\"refresh_caggs\": \"all\"}"
    let result = try await fixture.restoreOne(restore)
    #expect(result.step(.refresh)?.detail?.contains("2024-01-04 lacks rows") == true, "\(result.steps)")
    #expect(try await fixture.psql("SELECT sum(n) FROM events.weekly") == "17280")
    await fixture.pools.close()
  }

  @Test(
    "A day without a chunk and an archive before the first chunk, or after the last one, lacks rows where an aggregate has older or newer ones",
    arguments: ["2024-01-03", "2024-01-09"])
  func beyondChunks(kept: String) async throws {
    let fixture = try await Self.aggregates()
    // All is dropped; one day of two weeks was archived.
    _ = try await fixture.backup("\"table\": \"events.clicks:at\", \"date\": \"\(kept)\"")
    let before = try await hashes(fixture)
    try await fixture.psql("SELECT drop_chunks('events.clicks', older_than => '2025-01-01'::timestamptz)")
    let result = try await fixture.restoreOne(
      "\"table\": \"events.clicks\", \"date\": \"\(kept)\", \"timescaledb\": {\"refresh_caggs\": \"all\"}")
    #expect(result.status == .ok)
    #expect(try await hashes(fixture) == before, "\(result.steps)")
    await fixture.pools.close()
  }
}
