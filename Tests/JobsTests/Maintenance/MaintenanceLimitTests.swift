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

@Suite("What stops a maintenance task, and what it says where an answer is lost")
struct MaintenanceLimitTests {
  @Test("A replica that falls behind stops the task between two batches; once it has caught up the next run goes on")
  func replicationLag() async throws {
    let primary = try await PostgresServer()
    let standby = try await PostgresServer(settings: ["wal_receiver_status_interval=1"], standbyOf: primary)
    let fixture = try await Fixture(DeletionTests.rows, server: primary)
    let lag = "SELECT coalesce(max(extract(epoch FROM replay_lag)), 0) > 0.2 FROM pg_stat_replication"
    try await eventually { try await standby.psql("postgres", "SELECT count(*) FROM pg_stat_wal_receiver") == "1" }
    try await standby.psql("postgres", "SELECT pg_wal_replay_pause() \\g /dev/null\n")
    try await eventually {
      try await fixture.psql("INSERT INTO e.t VALUES ((SELECT max(id) + 1 FROM e.t), now())")
      return try await fixture.psql(lag) == "t"
    }
    let task = DeletionTests.plain + #", "batch_rows": 100, "max_replication_lag": "200ms""#
    let stopped = try await fixture.maintain(task)
    #expect(stopped.outcome == .stopped && stopped.reason == "replication_lag" && stopped.rows == 0, "\(stopped)")
    try await standby.psql("postgres", "SELECT pg_wal_replay_resume() \\g /dev/null\n")
    try await eventually { try await fixture.psql(lag) == "f" }
    let result = try await fixture.maintain(task)
    #expect(result.outcome == .ok && result.rows == 761, "\(result)")
    await fixture.pools.close()
    await standby.stopAndWait()
    await primary.stopAndWait()
  }

  /// The COMMIT of a batch.
  private static let commit = MessageProxy.Statement("\0COMMIT\0", after: "DELETE FROM")

  @Test(
    "A batch whose COMMIT has no answer is counted where the server tells that it was made, with a list and without",
    arguments: ["", #", "archive": true"#])
  func answerLost(archive: String) async throws {
    let fixture = try await Fixture(DeletionTests.rows)
    let proxy = try MessageProxy(to: fixture.server.port, cutting: .beforeAnswer, at: Self.commit)
    let behind = fixture.with {
      $0.server.port = proxy.port
      $0.databaseRetrySeconds = 30
    }
    let result = try await behind.maintain(DeletionTests.plain + #", "batch_rows": 100"# + archive)
    #expect(proxy.isCut)
    #expect(result.outcome == .ok && result.rows == 761 && result.remaining == 0, "\(result)")
    #expect(try await fixture.count("e.t") == 241)
    proxy.stop()
  }

  @Test("A batch whose COMMIT did not arrive has deleted nothing, and says so")
  func commitLost() async throws {
    let fixture = try await Fixture(DeletionTests.rows)
    let proxy = try MessageProxy(to: fixture.server.port, cutting: .beforeCommit, at: Self.commit)
    let result = try await fixture.with { $0.server.port = proxy.port }.maintain(DeletionTests.plain)
    #expect(proxy.isCut)
    #expect(result.outcome == .failed && result.rows == 0, "\(result)")
    #expect(result.error?.message.contains("rolled the transaction back") == true, "\(result)")
    #expect(try await fixture.count("e.t") == 1002)
    proxy.stop()
  }

  @Test("Where the server that has committed a batch is gone, its rows are not counted and the outcome is unconfirmed")
  func unconfirmed() async throws {
    let fixture = try await Fixture(DeletionTests.rows)
    let proxy = try MessageProxy(to: fixture.server.port, cutting: .beforeAnswer, at: Self.commit, isLast: true)
    let result = try await fixture.with { $0.server.port = proxy.port }.maintain(DeletionTests.plain)
    #expect(result.outcome == .unconfirmed && result.error?.code == .commitUnknown && result.rows == 0, "\(result)")
    #expect(result.error?.message.contains("whether its rows are deleted is not known") == true, "\(result)")
    #expect(try await fixture.audited().last?.object?["outcome"]?.string == "unconfirmed")
    let next = try await fixture.maintain(DeletionTests.plain)
    #expect(try await fixture.count("e.t") == 241)
    #expect(next.outcome == (next.rows > 0 ? .ok : .nothing), "\(next)")
  }

  // MARK: The retention's schema

  private func old(_ table: String, _ site: RetentionSite, _ more: String) async throws -> MaintenanceResult {
    let json = #"""
      {"tasks": [{"name": "old-\#(table)", "kind": "delete_older_than", "table": "events.\#(table)", "column": "at", "keep": "30 days",
        "pause": "0ms", "batch_rows": 5 \#(more)}]}
      """#
    let tasks = try MaintenanceTask.list(JSONValue(json: Data(json.utf8)))
    let job = MaintenanceJob(site.context, site.settings.backup, MaintenanceOptions(tasks: tasks))
    return try #require(try await job.run(MaintenanceRequest()).tasks.first)
  }

  @Test(
    "A hold and a policy of the retention's schema keep rows from the program, which holds the archive's lock in each batch",
    arguments: RetentionDatabase.Kind.all.filter { [.plain, .partitions, .dayChunks].contains($0) })
  func retention(kind: RetentionDatabase.Kind) async throws {
    let site = try await RetentionSite()
    let table = "kept_\(kind)".asciiLowercased()
    try await site.makeTable(table, kind)
    try await site.base.psql(
      "GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA events TO \(site.base.caller); GRANT USAGE ON SCHEMA sluice TO \(site.base.caller); "
        + "GRANT SELECT ON sluice.hold TO \(site.base.caller)")
    let policy = try await old(table, site, #", "require_archive": false"#)
    #expect(policy.outcome == .kept && policy.reason == "policy" && policy.rows == 0, "\(policy)")

    let id = try await site.base.psql(
      as: site.base.other, "SELECT admin.place_hold('events.\(table)', 'law suit', NULL, '2020-01-01', '2020-01-02')")
    let held = try await old(table, site, "")
    #expect(held.outcome == .kept && held.reason == "on_hold" && held.rows == 0, "\(held)")
    try await site.base.psql(as: site.base.other, "SELECT admin.release_hold(\(id), 'over') \\g /dev/null\n")

    // Somebody who replaces or removes the first day's archive.
    let other = try await PostgresConnection.connect(to: site.settings.server.target(), password: nil)
    try await other.query("SELECT pg_advisory_lock(\(RetentionSite.archivesKey("events.\(table)")))")
    let locked = try await old(table, site, "")
    #expect(locked.outcome == .stopped && locked.reason == "locked" && locked.rows == 0, "\(locked)")
    try await other.query("SELECT pg_advisory_unlock_all()")
    await other.close()

    let gone = try await old(table, site, "")
    #expect(gone.outcome == .ok && gone.rows == 14 * 24, "\(gone)")
    #expect(try await site.base.psql("SELECT count(*) FROM events.\(table)") == "0")
  }
}
