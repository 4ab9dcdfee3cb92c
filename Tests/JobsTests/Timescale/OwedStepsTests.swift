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

/// What is paid from `sluice.restore_log` and `sluice.hold`, which other roles may write to.
@Suite(
  "Owed steps that are not believed",
  .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
struct OwedStepsTests {
  static let weekly = """
    CREATE MATERIALIZED VIEW events.weekly WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
      SELECT time_bucket('1 week', at) AS at, count(*) AS n FROM events.clicks GROUP BY 1;
    """
  static let total = "SELECT sum(n) FROM events.weekly"
  static let owed = "SELECT count(*) FROM sluice.restore_log WHERE owed IS NOT NULL"

  /// Archived readings with a weekly aggregate, of which a day lost its rows, and an empty `sluice.restore_log`.
  static func damaged(more: String = "") async throws -> Fixture {
    let fixture = try await Fixture.readings(interval: "1 day", compressed: false, more: weekly + more)
    try await fixture.archiveDays()
    _ = try await fixture.restoreOne(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-06\", \"key\": \"a\", \"destination\": {\"on_existing\": \"skip\"}"
    )
    try await fixture.psql("DELETE FROM events.clicks WHERE at >= '2024-01-05+00' AND at < '2024-01-06+00'")
    #expect(try await fixture.psql(total) == "17280")
    return fixture
  }

  /// Writes a mark that owes steps of 2024-01-06, with `changes` to its members.
  static func forge(_ fixture: Fixture, load: String = "forged", _ changes: String) async throws {
    try await fixture.psql(
      """
      INSERT INTO sluice.restore_log (load, source, target, target_oid, archive, bytes, etag, sha256, rows, owed)
      SELECT '\(load)', '', 'events.clicks', 'events.clicks'::regclass, '', 0, '', '', 0, jsonb_build_object(
        'archives', current_database(), 'schema', 'events', 'table', 'clicks', 'day', '2024-01-06', 'column', 'at',
        'kind', 'timestamp with time zone', 'start', '2024-01-06T00:00:00Z', 'end', '2024-01-07T00:00:00Z',
        'refresh', '[]'::jsonb, 'recompress', '[]'::jsonb) || '\(changes)';
      """)
  }

  static let refresh = "\"refresh\": [{\"schema\": \"events\", \"name\": \"weekly\"}]"

  @Test(
    "An entry whose archives, source or span are made up refreshes nothing, and stays",
    arguments: [
      "\"archives\": \"made up\"", "\"source\": {\"schema\": \"events\", \"name\": \"made_up\"}",
      "\"start\": \"1900-01-01T00:00:00Z\"", "\"end\": \"infinity\"", "\"start\": \"no time\"",
      "\"column\": \"device\"",
      "\"kind\": \"bigint\", \"unit\": \"s\", \"start\": \"0\", \"end\": \"1\"",
      "\"day\": \"2024-02-06\", \"start\": \"2024-02-06T00:00:00Z\", \"end\": \"2024-02-07T00:00:00Z\"",
    ])
  func madeUp(changes: String) async throws {
    let fixture = try await Self.damaged()
    try await Self.forge(fixture, "{\(changes), \(Self.refresh)}")
    let log = LogLines()
    try await log.collecting {
      let report = try await fixture.restoreJob().resume(load: nil)
      #expect(report.status == .partial, "\(report)")
      #expect(report.results.flatMap(\.warnings).contains { $0.contains("cannot be true") }, "\(report)")
    }
    #expect(log.all.filter { $0.contains("forged") && $0.contains("cannot be true") }.count == 1, "\(log.all)")
    #expect(try await fixture.psql(Self.total) == "17280")
    #expect(try await fixture.psql(Self.owed) == "1")
    await fixture.pools.close()
  }

  @Test("A refresh looks up the table's own archives, also where the entry names another table's")
  func otherSource() async throws {
    let fixture = try await Self.damaged(
      more: "CREATE TABLE events.copy (LIKE events.clicks); INSERT INTO events.copy SELECT * FROM events.clicks "
        + "WHERE at >= '2024-01-06+00' AND at < '2024-01-07+00';")
    _ = try await fixture.backupOne("\"table\": \"events.copy:at\", \"date\": \"2024-01-06\"")
    try await Self.forge(
      fixture, "{\"source\": {\"schema\": \"events\", \"name\": \"copy\"}, \(Self.refresh)}")
    let report = try await fixture.restoreJob().resume(load: nil)
    let step = try #require(report.results.first?.step(.refresh))
    #expect(step.status == .skipped)
    #expect(step.detail?.contains("2024-01-05 lacks rows") == true, "\(report)")
    #expect(try await fixture.psql(Self.total) == "17280")
    await fixture.pools.close()
  }

  @Test("A chunk of another table is not compressed, nor an aggregate of another table refreshed; the others are")
  func otherTable() async throws {
    let fixture = try await Self.damaged(
      more: """
        CREATE TABLE events.other (at timestamptz NOT NULL, device int);
        SELECT create_hypertable('events.other', 'at', chunk_time_interval => interval '1 day');
        INSERT INTO events.other VALUES ('2024-01-06 10:00+00', 1);
        ALTER TABLE events.other SET (timescaledb.compress);
        CREATE MATERIALIZED VIEW events.others WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
          SELECT time_bucket('1 day', at) AS at, count(*) AS n FROM events.other GROUP BY 1;
        """)
    let chunks = try await fixture.psql(
      """
      SELECT jsonb_agg(jsonb_build_object('schema', chunk_schema, 'name', chunk_name)) FROM timescaledb_information.chunks
      WHERE range_start = '2024-01-06+00' AND hypertable_name IN ('clicks', 'other')
      """)
    try await fixture.psql("TRUNCATE events.other; INSERT INTO events.other VALUES ('2024-01-06 10:00+00', 1)")
    let other = try await fixture.psql(
      "SELECT jsonb_build_object('schema', chunk_schema, 'name', chunk_name) FROM timescaledb_information.chunks "
        + "WHERE hypertable_name = 'other'")
    let list = String(chunks.dropLast()) + ", \(other)]"
    try await Self.forge(
      fixture, "{\"refresh\": [{\"schema\": \"events\", \"name\": \"others\"}], \"recompress\": \(list)}")
    let report = try await fixture.restoreJob().resume(load: "forged")
    #expect(report.status == .partial)
    let steps = try #require(report.results.first?.steps)
    #expect(steps.filter { $0.name == .recompress }.map(\.status).filter { $0 == .done }.count == 1, "\(steps)")
    #expect(try await fixture.chunkStates("events.other") == "0")
    #expect(try await fixture.chunkStates() == "0,0,1,0")
    #expect(
      try await fixture.psql(
        "SELECT jsonb_array_length(owed -> 'recompress') FROM sluice.restore_log WHERE owed IS NOT NULL")
        == "1")
    await fixture.pools.close()
  }

  @Test("A hold has the jobs of its own table run again, not those of another one")
  func otherJob() async throws {
    let fixture = try await HoldTests.withRetention()
    let until = Date.now.addingTimeInterval(3600).formatted(.iso8601)
    _ = try await fixture.restoreOne("\(HoldTests.day), \"keep_until\": \"\(until)\", \"pause_jobs\": true")
    try await fixture.psql(
      """
      CREATE TABLE events.other (at timestamptz NOT NULL);
      SELECT create_hypertable('events.other', 'at');
      SELECT alter_job(add_retention_policy('events.other', interval '30 days'), scheduled => false);
      UPDATE sluice.hold SET keep_until = now() - interval '1 s',
        paused_jobs = paused_jobs || (SELECT max(job_id) FROM timescaledb_information.jobs);
      """)
    let report = try await fixture.restoreJob().resume(load: nil)
    #expect(report.resumedJobs?.count == 1)
    #expect(report.status == .partial)
    #expect(try await fixture.psql("SELECT ended_at IS NULL AND cardinality(paused_jobs) = 1 FROM sluice.hold") == "t")
    #expect(
      try await fixture.psql(
        "SELECT string_agg(hypertable_name || scheduled, ',' ORDER BY job_id) FROM timescaledb_information.jobs "
          + "WHERE proc_name = 'policy_retention'") == "clickstrue,otherfalse")
    await fixture.pools.close()
  }

  @Test("A hold of a table that was renamed has its jobs run again")
  func renamedHold() async throws {
    let fixture = try await HoldTests.withRetention()
    let until = Date.now.addingTimeInterval(3600).formatted(.iso8601)
    _ = try await fixture.restoreOne("\(HoldTests.day), \"keep_until\": \"\(until)\", \"pause_jobs\": true")
    try await fixture.psql(
      "UPDATE sluice.hold SET keep_until = now() - interval '1 s'; ALTER TABLE events.clicks RENAME TO hits")
    #expect(try await fixture.restoreJob().resume(load: nil).resumedJobs?.count == 1)
    #expect(try await fixture.psql(HoldTests.scheduled) == "true")
    await fixture.pools.close()
  }

  @Test(
    "A hold of a table that was renamed ends by its own OID where the mark of its load is gone; without one it stays",
    arguments: [true, false])
  func renamedHoldWithoutMark(hasOID: Bool) async throws {
    let fixture = try await HoldTests.withRetention()
    let until = Date.now.addingTimeInterval(3600).formatted(.iso8601)
    _ = try await fixture.restoreOne("\(HoldTests.day), \"keep_until\": \"\(until)\", \"pause_jobs\": true")
    try await fixture.psql(
      "UPDATE sluice.hold SET keep_until = now() - interval '1 s'; ALTER TABLE events.clicks RENAME TO hits; "
        + "TRUNCATE sluice.restore_log;" + (hasOID ? "" : "ALTER TABLE sluice.hold DROP COLUMN table_oid"))
    let report = try await fixture.restoreJob().resume(load: nil)
    let hasEnded = try await fixture.psql("SELECT ended_at IS NOT NULL FROM sluice.hold")
    if hasOID {
      #expect(report.resumedJobs?.count == 1)
      #expect(report.results.isEmpty)
      #expect(try await fixture.psql(HoldTests.scheduled) == "true")
      #expect(hasEnded == "t")
    } else {
      #expect(report.status == .partial)
      #expect(report.results.flatMap(\.warnings).contains { $0.contains("was not ended") }, "\(report)")
      #expect(try await fixture.psql(HoldTests.scheduled) == "false")
      #expect(hasEnded == "f")
      // The next load adds the column.
      _ = try? await fixture.restore(
        "\(HoldTests.day), \"destination\": {\"target_table\": \"events.hits\"}, \"keep_until\": \"2999-01-01\"")
      #expect(
        try await fixture.psql(
          "SELECT count(*) FROM pg_attribute WHERE attrelid = 'sluice.hold'::regclass AND attname = 'table_oid'") == "1"
      )
    }
    // A job that is gone keeps no hold open.
    try await fixture.psql("SELECT remove_retention_policy('events.hits')")
    _ = try await fixture.restoreJob().resume(load: nil)
    #expect(
      try await fixture.psql("SELECT count(*) FROM sluice.hold WHERE ended_at IS NULL AND keep_until < now()") == "0")
    await fixture.pools.close()
  }

  @Test("Steps of a table that was renamed are done under the lock of its present name")
  func renamedLock() async throws {
    let fixture = try await Self.damaged()
    try await Self.forge(fixture, "{\(Self.refresh)}")
    try await fixture.psql("ALTER TABLE events.clicks RENAME TO hits")
    let other = try await fixture.otherSession()
    let day = TableDay(
      database: fixture.database, table: .init(schema: "events", name: "hits"), day: try #require(Day("2024-01-06")))
    try await TableDayLock.hold(.init(day), on: other) {
      let report = try await fixture.restoreJob().resume(load: nil)
      #expect(report.results.first?.error?.code == .alreadyRunning, "\(report)")
    }
    await other.close()
    await fixture.pools.close()
  }
}
