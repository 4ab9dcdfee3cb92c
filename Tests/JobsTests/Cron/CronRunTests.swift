import Foundation
import TestSupport
import Testing

@testable import Database
@testable import Jobs
@testable import Reporting

/// Runs begin at full minutes, so each test lets its jobs run side by side.
@Suite("Runs of pg_cron's jobs", .enabled(if: PostgresServer.hasCron, "the extension pg_cron is not installed"))
struct CronRunTests {
  @Test(
    "pg_cron runs a job once, now, also an inactive one, and one that fails or takes too long is told; what was made for the run is removed"
  )
  func run() async throws {
    let site = try await CronSite()
    let declared = [
      #""name": "good", "schedule": "0 0 1 1 *", "command": "INSERT INTO public.done (note) VALUES ('good')", "active": false"#,
      #""name": "bad", "schedule": "0 0 1 1 *", "command": "SELECT 1/0""#,
      #""name": "slow", "schedule": "0 0 1 1 *", "command": "SELECT pg_sleep(60)", "timeout": "1s""#,
    ]
    _ = try await site.jobs(declared).apply(removals: .all)
    let before = try await site.actual()
    async let good = site.jobs(declared).run("good")
    async let bad = site.jobs(declared).run("bad")
    async let slow = site.jobs(declared).run("slow")
    let reports = try await [good, bad, slow]
    #expect(
      reports.map { "\($0.name.dropFirst(site.prefix.count)) \($0.run.status)" } == [
        "good succeeded", "bad failed", "slow failed",
      ])
    #expect(reports[1].run.message?.contains("division by zero") == true)
    #expect(reports[2].run.message?.contains("statement timeout") == true, "\(reports[2].run.message as Any)")
    #expect(try await site.fixture.psql("SELECT note FROM done") == "good")
    #expect(try await site.actual() == before)
    let jobs = try site.jobs(declared)
    #expect(try await jobs.plan().hasDrift == false)
    // The runs were those of jobs that are gone, and are told.
    let history = try await jobs.history(.init())
    #expect(history.runs.map(\.status).sorted() == ["failed", "failed", "succeeded"])
    var failed = CronJobs.HistoryRequest()
    (failed.onlyFailed, failed.limit) = (true, 1)
    #expect(try await jobs.history(failed).runs.map(\.status) == ["failed"])
    failed.since = Date().addingTimeInterval(3600)
    #expect(try await jobs.history(failed).runs.isEmpty)
    #expect(try await jobs.prune(olderThan: CronDuration(milliseconds: 3_600_000)).removed == 0)
    let pruning = try await jobs.prune(olderThan: CronDuration(milliseconds: 1), batch: 2)
    #expect(pruning.removed == 3 && pruning.batches == 2)
  }

  @Test("The next run is waited for until its end, and status and figures tell of it")
  func wait() async throws {
    let site = try await CronSite()
    let declared = [
      #""name": "minute", "schedule": "* * * * *", "command": "SELECT pg_sleep(1)""#,
      #""name": "broken", "schedule": "* * * * *", "command": "SELECT 1/0""#,
      #""name": "off", "schedule": "* * * * *", "command": "SELECT 1", "active": false"#,
    ]
    let jobs = try site.jobs(declared)
    _ = try await jobs.apply(removals: .all)
    let off = await #expect(throws: JobError.self) { _ = try await jobs.wait("off", atMost: nil) }
    #expect(off?.code == .cronRefused && off?.message.contains("enable") == true)
    let short = await #expect(throws: JobError.self) { _ = try await jobs.wait("minute", atMost: .zero) }
    #expect(short?.code == .cronRunFailed)
    async let minute = jobs.wait("minute", atMost: .seconds(150))
    async let broken = jobs.wait("broken", atMost: .seconds(150))
    let ended = try await [minute, broken]
    #expect(ended.map(\.run.status) == ["succeeded", "failed"])
    #expect((ended[0].run.seconds ?? 0) >= 1)
    let status = try await jobs.status()
    #expect(status.jobs.map { String($0.name.dropFirst(site.prefix.count)) } == ["broken", "minute", "off"])
    #expect(status.jobs[0].lastRun?.status == "failed" && status.jobs[0].lastRun?.message?.contains("division") == true)
    #expect(status.jobs[1].lastRun?.isOver == true && status.jobs[1].nextRun != nil)
    #expect(status.jobs[2].lastRun == nil && status.jobs[2].nextRun == nil && !status.jobs[2].active)
    let figures = try await jobs.statistics(since: nil).jobs
    #expect(figures.map { String($0.name.dropFirst(site.prefix.count)) } == ["broken", "minute"])
    #expect(figures[0].failures == figures[0].runs && figures[1].failures == 0)
    #expect((figures[1].meanSeconds ?? 0) >= 1 && (figures[1].p95Seconds ?? 0) >= 1)
    _ = try await jobs.remove(nil)
  }

  @Test("What a killed run has left is removed by the next command, and one that another process looks after is not")
  func leftover() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([CronApplyTests.nightly])
    _ = try await jobs.apply(removals: .all)
    let name = CronPlan.helper(site.prefix, "run:1")
    try await site.cron("SELECT cron.schedule('\(name)', '1 1 1 1 *', 'SELECT 1')")
    try await CronCatalog.session(jobs.cron.pools, jobs.cron.server.target()) { connection in
      _ = try await CronLock.attempt("run:\(name)", on: connection) {
        let warnings = try await jobs.apply(removals: .all).warnings
        #expect(!warnings.contains { $0.contains("killed") })
      }
    }
    #expect(try await site.actual().contains("SELECT 1|cronned"))
    let report = try await jobs.apply(removals: .all)
    #expect(report.warnings.contains { $0.contains(name) && $0.contains("killed") } && !report.hasChanges)
    #expect(try await site.actual().contains("|cronned|") == false)
  }

  @Test("A cancelled run removes what it has made")
  func cancelled() async throws {
    let site = try await CronSite()
    let declared = [#""name": "one", "schedule": "0 0 1 1 *", "command": "SELECT pg_sleep(30)""#]
    let jobs = try site.jobs(declared)
    _ = try await jobs.apply(removals: .all)
    let before = try await site.actual()
    let task = Task { try await jobs.run("one") }
    try await eventually { try await site.actual().contains(":run:") }
    task.cancel()
    let error = await #expect(throws: (any Error).self) { _ = try await task.value }
    #expect(error.map { JobError(cause: $0).code } == .cancelled)
    #expect(try await site.actual() == before)
  }

  @Test("The minute of a run is the next one, on the clock of the schedules")
  func minute() throws {
    let date = try Date("2024-12-31T23:59:30Z", strategy: .iso8601)
    #expect(CronSpec.minute(after: date, zone: .gmt) == "0 0 1 1 *")
    #expect(CronSpec.minute(after: date, zone: try #require(TimeZone(identifier: "Asia/Kolkata"))) == "30 5 1 1 *")
  }

  @Test(
    "Disabling a job whose run is under way does not end the statement: pg_cron tells the run as failed, and it goes on"
  )
  func disabledWhileRunning() async throws {
    let site = try await CronSite()
    let mark = "slow \(site.prefix)"
    let declared = [
      #""name": "slow", "schedule": "* * * * *", "command": "SELECT pg_sleep(8); INSERT INTO public.done (note) VALUES ('\#(mark)')""#
    ]
    let jobs = try site.jobs(declared)
    _ = try await jobs.apply(removals: .all)
    let running =
      "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%\(mark)%' AND pid <> pg_backend_pid() AND usename = '\(site.role)'"
    for _ in 0..<3 where try await site.server.psql("postgres", running) == "0" {
      try? await eventually { try await site.server.psql("postgres", running) == "1" }
    }
    _ = try await jobs.set(active: false, ["slow"])
    try await eventually { try await jobs.status().jobs.first?.lastRun?.message == "job canceled" }
    try await eventually { try await site.fixture.psql("SELECT note FROM done") == mark }
    _ = try await jobs.remove(nil)
  }

  @Test("With background workers jobs need no sign-in and run, and a timeout has no effect, of which the check warns")
  func backgroundWorkers() async throws {
    let server = try await PostgresServer(settings: [
      "shared_preload_libraries=pg_cron", "cron.database_name=cronned", "cron.use_background_workers=on",
    ])
    try await server.psql("postgres", "CREATE DATABASE cronned")
    try await server.psql("cronned", "CREATE EXTENSION pg_cron")
    let site = try await CronSite(server: server)
    let declared = [#""name": "slow", "schedule": "0 0 1 1 *", "command": "SELECT pg_sleep(3)", "timeout": "1s""#]
    try await server.psql("postgres", "GRANT pg_read_all_settings TO \"\(site.role)\"")
    let report = try await site.jobs(declared).apply(removals: .all)
    #expect(report.warnings.contains { $0.contains("timeouts of jobs have no effect") })
    let run = try await site.jobs(declared).run("slow")
    #expect(run.run.status == "succeeded" && run.run.message?.hasPrefix("SELECT") == true, "\(run.run)")
    let root = try site.jobs(declared, as: server.superuser)
    #expect(
      try await root.inspection.settings().items.contains {
        $0.name == "cron.use_background_workers" && $0.verdict == .warning
      })
    let permissions = try await root.inspection.permissions(role: site.role)
    #expect(permissions.items.filter { $0.what.hasPrefix("sign-in") }.allSatisfy { $0.state == .found })
    await server.stopAndWait()
  }
}
