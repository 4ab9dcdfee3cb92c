import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

@Suite(
  "Holds on restored days", .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
struct HoldTests {
  /// Archived readings with a retention policy that has not run yet, and the day 2024-01-05 dropped.
  static func withRetention() async throws -> Fixture {
    let fixture = try await Fixture.readings(interval: "1 day", compressed: false)
    try await fixture.archiveDays()
    try await fixture.psql(
      "SELECT drop_chunks('events.clicks', older_than => '2024-01-05'::timestamptz); "
        + "SELECT add_retention_policy('events.clicks', interval '30 days', initial_start => now() + interval '1 day')")
    return fixture
  }

  static let day = "\"table\": \"events.clicks\", \"date\": \"2024-01-04\""
  static let scheduled =
    "SELECT string_agg(scheduled::text, ',') FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention'"

  @Test("A day that a retention policy would drop again is refused, unless the caller decides otherwise")
  func refused() async throws {
    let fixture = try await Self.withRetention()
    let error = try await fixture.restoreError(Self.day)
    #expect(error.code == .retentionWouldDrop)
    #expect(error.details["jobs"] != nil)
    #expect(try await fixture.count() == 3 * 4320)
    let result = try await fixture.restoreOne("\(Self.day), \"ignore_retention\": true")
    #expect(result.status == .ok)
    #expect(result.warnings.contains { $0.contains("would drop the restored rows again") })
    #expect(try await fixture.psql(Self.scheduled) == "true")
    await fixture.pools.close()
  }

  @Test("A hold pauses the policy in the load's transaction, and the policy runs again when it is over")
  func pause() async throws {
    let fixture = try await Self.withRetention()
    let until = Date.now.addingTimeInterval(3600).formatted(.iso8601)
    let result = try await fixture.restoreOne("\(Self.day), \"keep_until\": \"\(until)\", \"pause_jobs\": true")
    #expect(result.status == .ok)
    #expect(result.step(.lease)?.status == .done)
    #expect(try await fixture.psql(Self.scheduled) == "false")
    // Not over yet.
    _ = try await fixture.restoreJob().resume(load: nil)
    #expect(try await fixture.psql(Self.scheduled) == "false")
    try await fixture.psql("UPDATE sluice.hold SET keep_until = now() - interval '1 s'")
    let report = try await fixture.restoreJob().resume(load: nil)
    #expect(report.resumedJobs?.count == 1)
    #expect(try await fixture.psql(Self.scheduled) == "true")
    await fixture.pools.close()
  }

  @Test(
    "A policy that goes by the age of the chunks drops an old chunk again, and one that the restore makes not",
    arguments: [true, false])
  func createdBefore(isOld: Bool) async throws {
    let fixture = try await Fixture.readings(interval: "1 day", compressed: false)
    try await fixture.archiveDays()
    try await fixture.psql(
      (isOld
        ? "DELETE FROM events.clicks WHERE at < '2024-01-05+00';"
        : "SELECT drop_chunks('events.clicks', older_than => '2024-01-05'::timestamptz);")
          + """
          UPDATE _timescaledb_catalog.chunk SET creation_time = now() - interval '40 days';
          SELECT add_retention_policy('events.clicks', drop_created_before => interval '30 days', initial_start => now() + interval '1 day');
          """)
    if isOld {
      let error = try await fixture.restoreError(Self.day)
      #expect(error.code == .retentionWouldDrop)
      #expect(error.message.contains("chunks made more than 30 days ago"), "\(error)")
      // Version 2.22 cannot alter such a job, as the preview says too.
      let hold = "\(Self.day), \"keep_until\": \"2999-01-01\", \"pause_jobs\": true"
      let preview = try #require(try await fixture.previews(hold).first)
      do {
        #expect(try await fixture.restoreOne(hold).status == .ok)
        #expect(try await fixture.psql(Self.scheduled) == "false")
        #expect(preview.outcome == .load)
      } catch let error as JobError {
        #expect(error.code == .retentionWouldDrop, "\(error)")
        #expect(error.message.contains("cannot be paused"), "\(error)")
        #expect(error.field == "pause_jobs")
        #expect(preview.problems.map(\.message) == [error.message])
        #expect(try await fixture.restoreOne("\(Self.day), \"ignore_retention\": true").status == .ok)
      }
    } else {
      let result = try await fixture.restoreOne(Self.day)
      #expect(result.status == .ok)
      #expect(result.warnings == [], "\(result.warnings)")
    }
    await fixture.pools.close()
  }

  @Test("A hold that is over waits for a locked table as long as PG_LOCK_TIMEOUT_SECONDS says")
  func lockedHold() async throws {
    let fixture = try await Self.withRetention()
    let until = Date.now.addingTimeInterval(3600).formatted(.iso8601)
    _ = try await fixture.restoreOne("\(Self.day), \"keep_until\": \"\(until)\", \"pause_jobs\": true")
    try await fixture.psql("UPDATE sluice.hold SET keep_until = now() - interval '1 s'")
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    try await other.query("LOCK TABLE sluice.hold IN SHARE MODE")
    let start = ContinuousClock.now
    #expect(
      try await fixture.with { $0.lockTimeoutSeconds = 1 }.restoreJob().resume(load: nil).resumedJobs?.isEmpty != false)
    // A second; without the setting it is a minute.
    #expect(start.duration(to: .now) < .seconds(45))
    await other.close()
    await fixture.pools.close()
  }

  @Test("A load that fails leaves the policy running and no hold")
  func failure() async throws {
    let fixture = try await Self.withRetention()
    try await fixture.psql("ALTER TABLE events.clicks ADD CHECK (value < 0) NOT VALID")
    _ = try await fixture.restoreError("\(Self.day), \"keep_until\": \"2999-01-01\", \"pause_jobs\": true")
    #expect(try await fixture.psql(Self.scheduled) == "true")
    #expect(try await fixture.psql("SELECT count(*) FROM sluice.hold") == "0")
    await fixture.pools.close()
  }

  @Test(
    "A hold that is over, without an end or not a date is refused by its field",
    arguments: [
      ("\"keep_until\": \"2020-01-01\"", "keep_until"), ("\"keep_until\": \"soon\"", "keep_until"),
      ("\"pause_jobs\": true", "pause_jobs"),
    ])
  func badHold(members: String, field: String) async throws {
    let fixture = try await Fixture()
    let job = fixture.restoreJob()
    let error = #expect(throws: JobError.self) {
      try job.check(RestoreRequest(JSONValue(json: Data("{\(Self.day), \(members)}".utf8))))
    }
    #expect(error?.code == .badField)
    #expect(error?.field == field)
    await fixture.pools.close()
  }
}
