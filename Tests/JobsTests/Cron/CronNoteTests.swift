import Essentials
import Foundation
import Lake
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Database
@testable import Jobs
@testable import Reporting

@Suite(
  "What is noted of pg_cron's jobs, and whose they are",
  .enabled(if: PostgresServer.hasCron, "the extension pg_cron is not installed"))
struct CronNoteTests {
  @Test("A run for another role is never told by the run that a killed process has left")
  func staleRun() async throws {
    let site = try await CronSite()
    let other = try await CronSite()
    let declared = [#""name": "a", "schedule": "@daily", "command": "SELECT 1/0", "role": "\#(other.role)""#]
    let root = try site.jobs(declared, as: site.server.superuser)
    _ = try await root.apply(removals: .all)
    let id = try await site.server.psql("cronned", "SELECT jobid FROM cron.job WHERE jobname = '\(site.prefix)a'")
    try await site.cron("SELECT cron.schedule('\(site.prefix):run:\(id)', '1 1 1 1 *', 'SELECT 1')", as: other.role)
    try await site.server.psql(
      "cronned",
      """
      INSERT INTO cron.job_run_details (jobid, database, username, command, status, return_message, start_time, end_time)
      SELECT jobid, database, username, command, 'succeeded', 'old', now(), now() FROM cron.job WHERE jobname = '\(site.prefix):run:\(id)'
      """)
    let report = try await root.run("a")
    #expect(report.run.status == "failed" && report.run.message?.contains("division") == true, "\(report.run)")
    #expect(try await site.actual().contains(":run:") == false)
    // Another command removes what is left.
    try await site.cron("SELECT cron.schedule('\(site.prefix):run:7', '1 1 1 1 *', 'SELECT 1')", as: other.role)
    #expect(try await root.apply(removals: .all).warnings.contains { $0.contains(":run:7") })
  }

  @Test("A job that was applied for another role is removed when it has left the file")
  func leftRole() async throws {
    let site = try await CronSite()
    let other = try await CronSite()
    let declared = [#""name": "a", "schedule": "@daily", "command": "SELECT 1", "role": "\#(other.role)""#]
    _ = try await site.jobs(declared, as: site.server.superuser).apply(removals: .all)
    try await site.cron("SELECT cron.schedule('\(site.prefix)theirs', '@daily', 'SELECT 7')", as: other.role)
    let after = try site.jobs([], as: site.server.superuser)
    #expect(try await after.status().jobs.map(\.name) == [site.prefix + "a"])
    #expect(
      site.words(try await after.apply(removals: .all))
        == ["a removed", "theirs notTouched"].map { $0.replacing("notTouched", with: "not_touched") })
    #expect(try await site.actual().hasPrefix("theirs|"))
  }

  @Test("A command notes the jobs that it has changed, and the drift of others stays told")
  func otherDrift() async throws {
    let site = try await CronSite()
    let gone = try await site.server.makeDatabase("gone")
    let declared = [
      CronApplyTests.nightly, CronApplyTests.weekly,
      #""name": "lost", "schedule": "@daily", "command": "SELECT 1", "database": "\#(gone)""#,
    ]
    let jobs = try site.jobs(declared)
    _ = try await jobs.apply(removals: .all)
    try await site.cron(
      "SELECT cron.alter_job((SELECT jobid FROM cron.job WHERE jobname LIKE '%nightly'), schedule := '1 1 * * *')")
    func drift() async throws -> [String] {
      try await jobs.plan().jobs.compactMap { job in
        job.drift.map { "\(job.name.dropFirst(site.prefix.count)) \($0.kind.rawValue)" }
      }
    }
    #expect(try await drift() == ["nightly changed"])
    _ = try await jobs.set(active: true, ["weekly"])
    #expect(try await drift() == ["nightly changed"])
    try await site.server.psql("postgres", "DROP DATABASE \(gone)")
    #expect(try await jobs.orphans(removes: true).jobs.map(\.outcome) == [.removed])
    #expect(try await drift() == ["nightly changed"])
    _ = try await jobs.importing(
      site.declaration([#""name": "more", "schedule": "@daily", "command": "SELECT 1""#]))
    #expect(try await drift() == ["nightly changed"])
    // What apply brings back is no drift any more.
    _ = try await site.jobs([CronApplyTests.nightly, CronApplyTests.weekly]).apply(removals: .all)
    #expect(try await site.jobs([CronApplyTests.nightly]).plan().hasDrift == false)
  }

  @Test("Jobs of another settings file, whose prefix begins as ours does, are not removed")
  func longerPrefix() async throws {
    let site = try await CronSite()
    var other = site
    other.prefix += "reports_"
    _ = try await other.jobs([CronApplyTests.nightly]).apply(removals: .all)
    let jobs = try site.jobs([CronApplyTests.weekly])
    #expect(try await jobs.plan().warnings.contains { $0.contains(other.prefix) && $0.contains("refuses") })
    let before = try await site.actual()
    let error = await #expect(throws: JobError.self) { _ = try await jobs.apply(removals: .all) }
    #expect(error?.code == .cronRefused && error?.message.contains(other.prefix) == true, "\(error as Any)")
    #expect(try await site.actual() == before)
    _ = try await other.jobs([]).apply(removals: .all)
    #expect(try await jobs.apply(removals: .all).status == .ok)
  }

  @Test("Without a lake the jobs are told, enabled and disabled, and drift is not told; apply changes nothing")
  func noLake() async throws {
    let site = try await CronSite()
    _ = try await site.jobs([CronApplyTests.nightly]).apply(removals: .all)
    let folder = try TemporaryDirectory("lake")
    let lost = try await FolderStore(root: folder.path)
    try FileManager.default.removeItem(atPath: folder.path)
    let jobs = try site.jobs([CronApplyTests.nightly, CronApplyTests.weekly], lake: lost)
    let plan = try await jobs.plan()
    #expect(
      site.words(plan) == ["nightly unchanged", "weekly planned"] && plan.warnings.contains { $0.contains("lake") })
    #expect(try await jobs.status().warnings.contains { $0.contains("lake") })
    let disabled = try await jobs.set(active: false, ["nightly"])
    #expect(site.words(disabled) == ["nightly changed"] && disabled.warnings.contains { $0.contains("noted") })
    let before = try await site.actual()
    await #expect(throws: (any Error).self) { _ = try await jobs.apply(removals: .all) }
    #expect(try await site.actual() == before)
  }

  @Test("A plan tells which jobs the server will refuse")
  func impossible() async throws {
    let site = try await CronSite()
    let other = try await CronSite()
    let jobs = try site.jobs([
      #""name": "a", "schedule": "@daily", "command": "SELECT 1", "database": "nowhere""#,
      #""name": "b", "schedule": "@daily", "command": "SELECT 1", "role": "nobody at all""#,
      #""name": "c", "schedule": "@daily", "command": "SELECT 1", "role": "\#(other.role)""#, CronApplyTests.nightly,
    ])
    let told = try await jobs.plan().warnings.filter { $0.contains("cannot be made") }
    #expect(told.count == 3, "\(told)")
    #expect(
      told[0].contains("no database nowhere") && told[1].contains("no role nobody") && told[2].contains("superuser"))
  }

  @Test("After a lost connection the job in flight is told as not known, and nothing else is begun")
  func lost() async {
    var report = CronReport(action: "apply", server: "s", role: "r")
    report.jobs = ["a", "b", "c"].map { CronReport.Job(name: $0, role: "r", outcome: .planned) }
    await report.attempt([0, 1, 2]) { index in
      if index == 1 { throw PostgresError.connectionLost(message: "gone") }
      return .created
    }
    #expect(report.jobs.map(\.outcome) == [.created, .unknown, .notBegun])
    #expect(report.jobs[1].error?.message.contains("sluice cron plan") == true && report.status == .partial)
  }

  @Test("An apply whose server stops tells what is not known, what was not begun, and what is there")
  func stopped() async throws {
    let server = try await PostgresServer(settings: ["shared_preload_libraries=pg_cron", "cron.database_name=cronned"])
    try await server.psql("postgres", "CREATE DATABASE cronned")
    try await server.psql("cronned", "CREATE EXTENSION pg_cron")
    let site = try await CronSite(server: server)
    let jobs = try site.jobs((0..<400).map { #""name": "j\#($0)", "schedule": "@daily", "command": "SELECT 1""# })
    let applying = Task { try await jobs.apply(removals: .all) }
    let count = "SELECT count(*) FROM cron.job"
    try await eventually { try await Int(server.psql("cronned", count)) ?? 0 > 5 }
    try server.crash()
    let report = try await applying.value
    let made = report.jobs.count { $0.outcome == .created }
    #expect(report.jobs.count { $0.outcome == .failed } == 0, "\(report.jobs.first { $0.outcome == .failed } as Any)")
    #expect(report.jobs.count { $0.outcome == .unknown } == 1 && report.jobs.last?.outcome == .notBegun)
    try await server.startAgain()
    let there = Int(try await server.psql("cronned", count)) ?? 0
    #expect(made...(made + 1) ~= there, "\(made) told, \(there) there")
    await server.stopAndWait()
  }

  @Test("The history of a job that is not there is an error, and that of one that is says what it leaves out")
  func history() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([CronApplyTests.nightly])
    _ = try await jobs.apply(removals: .all)
    var request = CronJobs.HistoryRequest()
    request.name = "nightli"
    let wrong = request
    let error = await #expect(throws: JobError.self) { _ = try await jobs.history(wrong) }
    #expect(error?.code == .cronJobNotFound && error?.message.contains("nightly") == true)
    request.name = "nightly"
    #expect(try await jobs.history(request).warnings.contains { $0.contains("sluice cron run") })
  }

  @Test(
    "An export is one that the import takes: limits that cannot be are a part of the command, renamed jobs inactive")
  func exports() async throws {
    let site = try await CronSite()
    try await site.cron(
      """
      SELECT cron.schedule('\(site.prefix)limit', '@daily', 'SET statement_timeout = 5000; VACUUM');
      SELECT cron.schedule('\(site.prefix)n\u{E4}chtlich', '@daily', 'SELECT 1');
      SELECT cron.schedule('\(site.prefix)empty', '@daily', ' ; -- nothing');
      SELECT cron.schedule('\(site.prefix)', '@daily', 'SELECT 2');
      """)
    let jobs = try site.jobs([])
    let export = try await jobs.export()
    let declared = try CronDeclaration(export.cron)
    #expect(
      declared.jobs.map { "\($0.name.prefix(3)) \($0.isActive) \($0.timeout == nil)" }.sorted() == [
        "-\(try await site.cron("SELECT jobid FROM cron.job WHERE jobname = '\(site.prefix)'").prefix(2)) false true",
        "lim true true", "n-c false true",
      ])
    #expect(declared.jobs.first { $0.name == "limit" }?.work == .command("SET statement_timeout = 5000; VACUUM"))
    #expect(export.notes.contains { $0.contains("empty") && $0.contains("left out") })
    #expect(try await jobs.importing(declared).status == .ok)
  }

  @Test("A standby takes no changes, and an extension that is too old is a failure")
  func standby() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([CronApplyTests.nightly])
    try await jobs.session { session in
      var facts = session.facts
      #expect(!facts.isStandby)
      try session.refuseStandby()
      facts.isStandby = true
      let standby = CronJobs.Session(
        connection: session.connection, facts: facts, version: session.version, target: session.target,
        prefix: session.prefix)
      #expect(throws: JobError.self) { try standby.refuseStandby() }
      let items = CronSettingsReport.items(facts, hasTimeouts: false, activeJobs: 0)
      #expect(items[0].verdict == .failed && items[0].note?.contains("standby") == true)
      facts.isStandby = false
      facts.version = "1.3"
      #expect(CronSettingsReport.items(facts, hasTimeouts: false, activeJobs: 0)[0].verdict == .failed)
    }
  }
}
