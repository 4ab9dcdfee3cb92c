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

@Suite(
  "What others do while jobs are moved",
  .enabled(if: PostgresServer.hasCron, "the extension pg_cron is not installed"))
struct CronMigrationOthersTests {
  private typealias Scene = CronMigrationTests.Scene

  @Test("A job that another session changes meanwhile keeps that change, and the migration is undone")
  func changedMeanwhile() async throws {
    let scene = try await Scene()
    let site = scene.site, single = scene.single
    var migration = CronMigration(scene.jobs)
    migration.verifies = false
    let change =
      "SELECT cron.alter_job((SELECT jobid FROM cron.job WHERE jobname = '\(site.prefix)nightly'), schedule := '1 1 * * *')"
    migration.onStep = { step in
      if step == .activated { _ = try await single.psql("work", as: site.role, change) }
    }
    let moving = migration
    let error = await #expect(throws: JobError.self) { _ = try await moving.run(to: .crossDatabase) }
    #expect(error?.code == .cronRolledBack && error?.message.contains("nightly") == true, "\(error as Any)")
    #expect(error?.message.contains("schedule 15 3 * * * -> 1 1 * * *") == true)
    #expect(try await scene.here() == scene.before.replacing("nightly|15 3 * * *", with: "nightly|1 1 * * *"))
    #expect(try await scene.there() == "")
  }

  @Test("A migration that was cut off is told by plan, status and the doctor, and apply is refused until it is undone")
  func cutOff() async throws {
    let scene = try await Scene()
    var migration = CronMigration(scene.jobs)
    (migration.verifies, migration.rollsBack) = (false, false)
    migration.onStep = { if $0 == .created { throw CancellationError() } }
    let killed = migration
    let jobs = scene.jobs
    func told() async throws -> [Bool] {
      let doctor = await CronChecks(jobs.inspection, role: nil, lake: jobs.context.lake).run()
      return [
        try await jobs.plan().warnings.contains(CronNotes.cutOff),
        try await jobs.status().warnings.contains(CronNotes.cutOff),
        doctor.contains { $0.topic == .cronServer && $0.status == .failed && $0.text == CronNotes.cutOff },
      ]
    }
    #expect(try await told() == [false, false, false])
    await #expect(throws: (any Error).self) { _ = try await killed.run(to: .crossDatabase) }
    #expect(try await told() == [true, true, true])
    let there = try await scene.there()
    let refused = await #expect(throws: JobError.self) { _ = try await jobs.apply(removals: .all) }
    #expect(refused?.code == .cronRefused && refused?.message.contains("--rollback") == true)
    #expect(try await scene.there() == there)
    _ = try await migration.undo()
    #expect(try await told() == [false, false, false])
    try await scene.expectAsBefore()
  }

  @Test("A rollback tells which changes since the migration go with it")
  func undoLate() async throws {
    let scene = try await Scene()
    var migration = CronMigration(scene.jobs)
    migration.verifies = false
    _ = try await migration.run(to: .crossDatabase)
    let prefix = scene.site.prefix
    let change = """
      SELECT cron.alter_job((SELECT jobid FROM cron.job WHERE jobname = '\(prefix)nightly'), command := 'SELECT 9');
      SELECT cron.unschedule('\(prefix)off');
      """
    #expect(try await scene.cross.psql("cronned", as: scene.site.role, change).status == 0)
    let report = try await migration.undo()
    #expect(
      report.warnings.contains { $0.contains("nightly") && $0.contains("command SELECT 1 -> SELECT 9") },
      "\(report.warnings)")
    #expect(report.warnings.contains { $0.contains("off") && $0.contains("was removed since") })
    try await scene.expectAsBefore()
  }

  @Test("The runs that prove a place are all made for the same minute")
  func oneMinute() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([])
    let specs = ["cronned", "work", site.database].map {
      CronSpec(
        name: site.prefix + $0, schedule: "@daily", command: "SELECT 1", database: $0, role: site.role, isActive: true)
    }
    try await jobs.session { try await CronMigration.verify(specs, $0, pause: .milliseconds(200)) }
    let runs = "FROM cron.job_run_details WHERE username = '\(site.role)'"
    #expect(try await site.server.psql("cronned", "SELECT count(*), count(DISTINCT database) \(runs)") == "3|3")
    #expect(
      try await site.server.psql("cronned", "SELECT count(DISTINCT date_trunc('minute', start_time)) \(runs)") == "1")
    #expect(
      try await site.server.psql("cronned", "SELECT count(*) FROM cron.job WHERE username = '\(site.role)'") == "0")
  }
}
