import Essentials
import Foundation
import TableDays
import TestSupport
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

@Suite(
  "Moving jobs between two pg_crons", .enabled(if: PostgresServer.hasCron, "the extension pg_cron is not installed"))
struct CronMigrationTests {
  /// A server whose pg_cron is in the work database: the single-database way.
  static let singleTask = Task {
    let server = try await PostgresServer(settings: ["shared_preload_libraries=pg_cron", "cron.database_name=work"])
    try await server.psql("postgres", "CREATE DATABASE work; CREATE DATABASE other")
    try await server.psql("work", "CREATE EXTENSION pg_cron")
    return server
  }

  /// Jobs at a pg_cron in the work database `work`, and another server with a pg_cron in `cronned`, which has a database `work` too.
  struct Scene {
    let site: CronSite
    let single: PostgresServer
    let jobs: CronJobs
    let before: String

    var cross: PostgresServer { site.server }

    init(_ declared: [String] = CronMigrationTests.declared) async throws {
      single = try await CronMigrationTests.singleTask.value
      site = try await CronSite()
      try await single.psql("postgres", "CREATE ROLE \(site.role.inDoubleQuotes) LOGIN")
      try await site.grant(on: single, "work")
      // First by the single-database way.
      var old = try site.jobs(declared)
      var context = old.context
      context.server.database = "work"
      var options = CronOptions()
      (options.database, options.port) = ("work", single.port)
      context.cron?.server = options.server(beside: context.server)
      old = try CronJobs(context)
      let report = try await old.apply(removals: .all)
      #expect(report.status == .ok, "\(report.jobs.compactMap(\.error))")
      // Then with both places: PG_DATABASE on the one server, PG_CRON_DATABASE on the other.
      var both = try site.jobs(declared).context
      both.server.database = "work"
      (options.database, options.port) = ("cronned", site.server.port)
      both.cron?.server = options.server(beside: both.server)
      both.server.port = single.port
      var moved = try CronJobs(both)
      moved.pause = .milliseconds(200)
      self.jobs = moved
      before = try await site.actual(on: single, "work")
    }

    func there() async throws -> String { try await site.actual(on: cross, "cronned") }
    func here() async throws -> String { try await site.actual(on: single, "work") }
    /// What a failure must leave.
    func expectAsBefore() async throws {
      #expect(try await here() == before)
      #expect(try await there() == "")
    }
  }

  static let declared = [
    #""name": "nightly", "schedule": "15 3 * * *", "command": "SELECT 1", "database": "work""#,
    #""name": "often", "schedule": "* * * * *", "command": "SELECT 2", "database": "work""#,
    #""name": "off", "schedule": "@weekly", "command": "SELECT 3", "database": "work", "active": false"#,
    #""name": "tidy", "schedule": "@daily", "run": {"prune": "7 days"}"#,
  ]

  @Test("There and back leaves the same jobs, each way proven by a run, and what came meanwhile is told")
  func thereAndBack() async throws {
    let scene = try await Scene()
    let migration = CronMigration(scene.jobs)
    let report = try await migration.run(to: .crossDatabase)
    #expect(report.jobs.count == 4 && !report.hasRecovered)
    // A run takes until the next full minute, at which `often` was due.
    // At midnight the daily one is told too.
    #expect(report.missed.filter { !$0.hasSuffix("tidy") } == [scene.site.prefix + "often"])
    #expect(try await scene.here() == "")
    // The records of runs are in the other database of pg_cron.
    #expect(try await scene.there() == scene.before.replacing("seconds'|work|", with: "seconds'|cronned|"))
    let back = try await migration.run(to: .single)
    #expect(back.warnings.contains { $0.contains("PG_CRON_DATABASE") })
    try await scene.expectAsBefore()
    // A run of SELECT 1 in the database of the jobs proved each way.
    let runs =
      "SELECT count(*) FROM cron.job_run_details WHERE username = '\(scene.site.role)' AND command = 'SELECT 1' AND status = 'succeeded'"
    #expect(try await scene.cross.psql("cronned", "\(runs) AND database IN ('work', 'cronned')") == "2")
    #expect(try await scene.single.psql("work", "\(runs) AND database = 'work'") >= "1")
    #expect(try await scene.jobs.plan().hasDrift == false)
  }

  @Test(
    "A failure after each step brings both places back, and the record tells so", arguments: CronMigration.Step.allCases
  )
  func failure(step: CronMigration.Step) async throws {
    let scene = try await Scene()
    var migration = CronMigration(scene.jobs)
    migration.verifies = false
    migration.onStep = { if $0 == step { throw JobError(.databaseError, "injected") } }
    let failing = migration
    let error = await #expect(throws: JobError.self) { _ = try await failing.run(to: .crossDatabase) }
    #expect(error?.code == .cronRolledBack && error?.message.contains("injected") == true, "\(error as Any)")
    try await scene.expectAsBefore()
    let undone = await #expect(throws: JobError.self) { _ = try await failing.undo() }
    #expect(undone?.code == .cronRefused)
    migration.onStep = { _ in }
    #expect(try await migration.run(to: .crossDatabase).hasRecovered == false)
    #expect(try await scene.here() == "")
  }

  @Test(
    "A migration that was killed after each step is undone by --rollback, or first by the next one",
    arguments: CronMigration.Step.allCases)
  func kill(step: CronMigration.Step) async throws {
    let scene = try await Scene()
    var migration = CronMigration(scene.jobs)
    (migration.verifies, migration.rollsBack) = (false, false)
    migration.onStep = { if $0 == step { throw CancellationError() } }
    let killed = migration
    await #expect(throws: (any Error).self) { _ = try await killed.run(to: .crossDatabase) }
    migration.onStep = { _ in }
    #expect(try await migration.undo().action == "rollback")
    try await scene.expectAsBefore()
    await #expect(throws: (any Error).self) { _ = try await killed.run(to: .crossDatabase) }
    let report = try await migration.run(to: .crossDatabase)
    #expect(report.hasRecovered)
    #expect(try await scene.here() == "")
  }

  @Test("A cancelled migration is brought back, though its task runs no more")
  func cancelled() async throws {
    let scene = try await Scene()
    var migration = CronMigration(scene.jobs)
    migration.verifies = false
    migration.onStep = { step in
      guard step == .activated else { return }
      withUnsafeCurrentTask { $0?.cancel() }
      try Task.checkCancellation()
    }
    let cancelled = migration
    let error = await #expect(throws: JobError.self) {
      _ = try await Task { try await cancelled.run(to: .crossDatabase) }.value
    }
    #expect(error?.code == .cronRolledBack && error?.details["cause"] == "cancelled")
    try await scene.expectAsBefore()
  }

  @Test("The last migration is undone from its record, also when it has ended; jobs that came later stay")
  func undo() async throws {
    let scene = try await Scene()
    var migration = CronMigration(scene.jobs)
    migration.verifies = false
    _ = try await migration.run(to: .crossDatabase)
    let later = scene.site.prefix + "later"
    let made = try await scene.cross.psql(
      "cronned", as: scene.site.role, "SELECT cron.schedule('\(later)', '@daily', 'SELECT 4')")
    #expect(made.status == 0)
    let report = try await migration.undo()
    #expect(report.jobs.count == 4 && report.warnings.contains { $0.contains(later) })
    #expect(try await scene.here() == scene.before)
    #expect(try await scene.there() == "later|@daily|SELECT 4|cronned|role|true")
  }

  @Test(
    "A way back that fails too is told as that, with what to do, and goes on from the record when its cause is mended")
  func noWayBack() async throws {
    let scene = try await Scene()
    var migration = CronMigration(scene.jobs)
    migration.verifies = false
    let single = scene.single, role = scene.site.role.inDoubleQuotes
    let alter = "EXECUTE ON FUNCTION cron.alter_job(bigint, text, text, text, text, boolean)"
    migration.onStep = { step in
      guard step == .created else { return }
      try await single.psql("work", "REVOKE \(alter) FROM \(role)")
      throw JobError(.databaseError, "injected")
    }
    let failing = migration
    let error = await #expect(throws: JobError.self) { _ = try await failing.run(to: .crossDatabase) }
    #expect(error?.code == .cronNotRolledBack && error?.message.contains("--rollback") == true, "\(error as Any)")
    #expect(error?.message.contains("alter_job") == true)
    try await single.psql("work", "GRANT \(alter) TO \(role)")
    #expect(try await failing.undo().jobs.count == 4)
    try await scene.expectAsBefore()
  }

  @Test(
    "What cannot be moved is refused before anything is changed: taken names, a job of another database, the same place"
  )
  func refused() async throws {
    let scene = try await Scene()
    let site = scene.site
    var migration = CronMigration(scene.jobs)
    migration.verifies = false
    _ = try await scene.cross.psql(
      "cronned", as: site.role, "SELECT cron.schedule('\(site.prefix)off', '@daily', 'SELECT 4')")
    let taken = await #expect(throws: JobError.self) { _ = try await CronMigration(scene.jobs).run(to: .crossDatabase) }
    #expect(taken?.code == .cronRefused && taken?.message.contains("off") == true)
    #expect(try await scene.here() == scene.before)
    _ = try await scene.cross.psql("cronned", as: site.role, "SELECT cron.unschedule('\(site.prefix)off')")
    _ = try await migration.run(to: .crossDatabase)
    let foreign = "SELECT cron.schedule_in_database('\(site.prefix)far', '@daily', 'SELECT 4', 'postgres')"
    #expect(try await scene.cross.psql("cronned", as: site.role, foreign).status == 0)
    let there = try await scene.there()
    let way = migration
    let far = await #expect(throws: JobError.self) { _ = try await way.run(to: .single) }
    #expect(far?.code == .cronRefused && far?.message.contains("far") == true)
    #expect(try await scene.there() == there)
    var context = scene.jobs.context
    context.cron?.server = CronOptions().server(beside: context.server)
    context.server.database = "postgres"
    let same = CronMigration(try CronJobs(context))
    let error = await #expect(throws: JobError.self) { _ = try await same.run(to: .single) }
    #expect(error?.field == "PG_CRON_DATABASE")
  }

  @Test(
    "On one server cron.database_name is changed first: the old database's jobs are moved though pg_cron reads them no more"
  )
  func oneServer() async throws {
    let server = try await PostgresServer(settings: ["shared_preload_libraries=pg_cron"])
    func name(_ database: String) async throws {
      try await server.psql("postgres", "ALTER SYSTEM SET cron.database_name = '\(database)'")
      try await server.restart()
      // The old server may answer a moment longer.
      try await eventually {
        (try? await server.psql("postgres", "SHOW cron.database_name")) == database
      }
    }
    try await server.psql("postgres", "CREATE DATABASE cronned; CREATE DATABASE work")
    try await name("work")
    try await server.psql("work", "CREATE EXTENSION pg_cron")
    let site = try await CronSite(server: server, cronDatabase: "work")
    var old = try site.jobs([#""name": "a", "schedule": "@daily", "command": "SELECT 1", "database": "work""#])
    _ = try await old.apply(removals: .all)
    let before = try await site.actual()
    try await name("cronned")
    try await server.psql("cronned", "CREATE EXTENSION pg_cron")
    try await site.grant(on: server, "cronned")
    var context = old.context
    context.server.database = "work"
    var options = CronOptions()
    options.database = "cronned"
    context.cron?.server = options.server(beside: context.server)
    old = try CronJobs(context)
    let report = try await CronMigration(old).run(to: .crossDatabase)
    #expect(report.jobs == [site.prefix + "a"])
    #expect(try await site.actual(on: server, "cronned") == before)
    #expect(try await site.actual(on: server, "work") == "")
    // Back, pg_cron would have to read the old database again: where that is known, nothing is begun.
    try await server.psql("postgres", "GRANT pg_read_all_settings TO \(site.role.inDoubleQuotes)")
    let there = try await site.actual(on: server, "cronned")
    let way = CronMigration(old)
    let dead = await #expect(throws: JobError.self) { _ = try await way.run(to: .single) }
    #expect(dead?.code == .cronRefused && dead?.message.contains("cron.database_name") == true, "\(dead as Any)")
    #expect(try await site.actual(on: server, "cronned") == there)
    // What brings the jobs back makes them for the database that they were in.
    let back = try await way.undo()
    #expect(back.warnings.contains { $0.contains("until cron.database_name is set back to work") }, "\(back.warnings)")
    #expect(try await site.actual(on: server, "work") == before)
    #expect(try await site.actual(on: server, "cronned") == "")
    await server.stopAndWait()
  }
}
