import Essentials
import Foundation
import Lake
import TestSupport
import Testing

@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("Applying pg_cron's jobs", .enabled(if: PostgresServer.hasCron, "the extension pg_cron is not installed"))
struct CronApplyTests {
  static let nightly = #""name": "nightly", "schedule": "15 3 * * *", "command": "SELECT 1""#
  static let weekly =
    #""name": "weekly", "schedule": "@weekly", "command": "SELECT 2", "timeout": "5m", "active": false"#

  @Test("What is declared is made in another database, inactive where it says so, and the second apply changes nothing")
  func applies() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([Self.nightly, Self.weekly])
    let plan = try await jobs.plan()
    #expect(site.words(plan) == ["nightly planned", "weekly planned"] && plan.knowsLastApply == false)
    #expect(try await site.actual() == "")
    let report = try await jobs.apply(removals: .only([]))
    #expect(site.words(report) == ["nightly created", "weekly created"], "\(report.jobs.compactMap(\.error))")
    let expected = """
      nightly|15 3 * * *|SELECT 1|\(site.database)|role|true
      weekly|@weekly|SET statement_timeout = 300000; SELECT 2|\(site.database)|role|false
      """
    #expect(try await site.actual() == expected)
    let ids = try await site.cron("SELECT array_agg(jobid ORDER BY jobid), max(xmin::text) FROM cron.job")
    let again = try await jobs.apply(removals: .only([]))
    #expect(site.words(again) == ["nightly unchanged", "weekly unchanged"] && !again.hasChanges && !again.hasDrift)
    #expect(again.knowsLastApply == true)
    #expect(try await site.cron("SELECT array_agg(jobid ORDER BY jobid), max(xmin::text) FROM cron.job") == ids)
  }

  @Test("A change keeps the job's number, and a removal needs a word: without it nothing at all is done")
  func changes() async throws {
    let site = try await CronSite()
    _ = try await site.jobs([Self.nightly, Self.weekly]).apply(removals: .only([]))
    let id = try await site.cron("SELECT jobid FROM cron.job WHERE jobname LIKE '%nightly'")
    let changed = try site.jobs([
      #""name": "nightly", "schedule": "20 3 * * *", "command": "SELECT 1", "database": "postgres", "active": false"#,
      #""name": "new", "schedule": "@hourly", "command": "SELECT 3""#,
    ])
    let before = try await site.actual()
    let refused = await #expect(throws: JobError.self) { _ = try await changed.apply(removals: .only(["other"])) }
    #expect(refused?.code == .cronRefused && refused?.details["jobs"] == [.string(site.prefix + "weekly")])
    #expect(try await site.actual() == before)
    let report = try await changed.apply(removals: .only([site.prefix + "weekly"]))
    #expect(
      site.words(report) == ["nightly changed", "new created", "weekly removed"], "\(report.jobs.compactMap(\.error))")
    #expect(
      report.jobs[0].changes.map { "\($0.field): \($0.old ?? "") -> \($0.new ?? "")" } == [
        "schedule: 15 3 * * * -> 20 3 * * *", "database: \(site.database) -> postgres", "active: true -> false",
      ])
    #expect(
      try await site.actual() == """
        new|@hourly|SELECT 3|\(site.database)|role|true
        nightly|20 3 * * *|SELECT 1|postgres|role|false
        """)
    #expect(try await site.cron("SELECT jobid FROM cron.job WHERE jobname LIKE '%nightly'") == id)
  }

  @Test("A job that was altered, removed or made by hand is drift, and apply takes it back")
  func drift() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([Self.nightly, Self.weekly])
    _ = try await jobs.apply(removals: .only([]))
    let before = try await site.actual()
    try await site.cron(
      """
      SELECT cron.alter_job((SELECT jobid FROM cron.job WHERE jobname LIKE '%nightly'), schedule := '1 1 * * *');
      SELECT cron.unschedule((SELECT jobid FROM cron.job WHERE jobname LIKE '%weekly'));
      SELECT cron.schedule('\(site.prefix)hand', '@daily', 'SELECT 9');
      """)
    let plan = try await jobs.plan()
    #expect(plan.hasDrift)
    #expect(
      site.words(plan) == ["nightly planned changed", "weekly planned removed_by_hand", "hand planned made_by_hand"])
    #expect(plan.jobs[0].drift?.changes == [CronPlan.Change(field: "schedule", old: "15 3 * * *", new: "1 1 * * *")])
    let report = try await jobs.apply(removals: .all)
    #expect(report.status == .ok)
    #expect(try await site.actual() == before)
    let after = try await jobs.plan()
    #expect(!after.hasDrift && !after.hasChanges)
  }

  @Test("A lost, damaged or other record of the last apply changes no deed", arguments: ["lost", "damaged", "other"])
  func lostState(kind: String) async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([Self.nightly, Self.weekly])
    _ = try await jobs.apply(removals: .only([]))
    let folder = site.fixture.directory.url.appending(path: "_sluice/cron")
    let documents =
      FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.allObjects as? [URL] ?? []
    let document = try #require(documents.first { $0.pathExtension == "json" })
    #expect(document.lastPathComponent == "\(site.prefix).json")
    switch kind {
    case "lost": try FileManager.default.removeItem(at: document)
    case "damaged": try Data("{".utf8).write(to: document)
    default:
      let other = #"{"format_version": 1, "applied_at": "2024-01-01T00:00:00Z", "jobs": []}"#
      try Data(other.utf8).write(to: document)
    }
    let before = try await site.actual()
    let report = try await jobs.apply(removals: .only([]))
    #expect(report.status == .ok && !report.hasChanges)
    #expect(report.warnings.contains { $0.contains("drift is not told") } == (kind == "damaged"))
    #expect(try await site.actual() == before)
  }

  @Test("Jobs without the prefix and jobs of another role with the very same names survive everything")
  func foreign() async throws {
    let site = try await CronSite()
    let other = try await CronSite()
    let theirs = """
      SELECT cron.schedule('\(site.prefix)nightly', '@daily', 'SELECT 7');
      SELECT cron.schedule('\(site.prefix)theirs', '@daily', 'SELECT 7');
      """
    try await site.cron(theirs, as: other.role)
    try await site.cron(
      "SELECT cron.schedule('mine-\(site.prefix)', '@daily', 'SELECT 8'); SELECT cron.schedule('@daily', 'SELECT 8')")
    func others() async throws -> String {
      try await site.server.psql(
        "cronned",
        "SELECT string_agg(j::text, E'\\n' ORDER BY jobid) FROM cron.job j WHERE command IN ('SELECT 7', 'SELECT 8') "
          + "AND username IN ('\(site.role)', '\(other.role)')")
    }
    let before = try await others()
    for user in [site.role, site.server.superuser] {
      let declared = [Self.nightly, Self.weekly]
      let report = try await site.jobs(declared, as: user).apply(removals: .all)
      #expect(report.status == .ok, "\(report.jobs.compactMap(\.error))")
      // A superuser sees the others' jobs; row-level security hides them from another role, and the report says so.
      let told = report.jobs.filter { $0.outcome == .notTouched }.map(\.role)
      #expect(Set(told) == (user == site.role ? [] : [other.role]))
      #expect(report.warnings.contains { $0.contains("row-level security") } == (user == site.role))
      _ = try await site.jobs(declared, as: user).set(active: false, nil)
      _ = try await site.jobs(declared, as: user).orphans(removes: true)
      _ = try await site.jobs([], as: user).apply(removals: .all)
      _ = try await site.jobs(declared, as: user).remove(nil)
      _ = try await site.jobs(declared, as: user).prune(olderThan: CronDuration(milliseconds: 1))
      #expect(try await others() == before)
    }
    let error = await #expect(throws: JobError.self) { _ = try await site.jobs([]).remove(["theirs"]) }
    #expect(error?.code == .cronJobNotFound && error?.message.contains("not visible") == true)
  }

  @Test(
    "Jobs are enabled, disabled and removed by name or all, which is no drift, and a name that is not there is told with the nearest"
  )
  func commands() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([Self.nightly, Self.weekly])
    _ = try await jobs.apply(removals: .only([]))
    #expect(site.words(try await jobs.set(active: false, ["nightly"])) == ["nightly changed"])
    #expect(site.words(try await jobs.set(active: true, nil)) == ["nightly changed", "weekly changed"])
    #expect(
      site.words(try await jobs.set(active: true, ["weekly", site.prefix + "nightly"])) == [
        "weekly unchanged", "nightly unchanged",
      ])
    let plan = try await jobs.plan()
    #expect(!plan.hasDrift)
    #expect(site.words(plan) == ["nightly unchanged", "weekly planned"])
    let error = await #expect(throws: JobError.self) { _ = try await jobs.remove(["nightli"]) }
    #expect(error?.code == .cronJobNotFound && error?.message.contains("did you mean nightly?") == true)
    #expect(site.words(try await jobs.remove(["weekly"])) == ["weekly removed"])
    #expect(site.words(try await jobs.remove(nil)) == ["nightly removed"])
    #expect(try await site.actual() == "")
  }

  @Test("Two applies at a time: one works, and the other is told so and changes nothing")
  func lock() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([Self.nightly])
    let target = try jobs.cron.server.target()
    try await CronCatalog.session(jobs.cron.pools, target) { connection in
      try await CronLock.alone(site.prefix, on: connection) {
        let error = await #expect(throws: JobError.self) { _ = try await jobs.apply(removals: .all) }
        #expect(error?.code == .alreadyRunning)
      }
    }
    #expect(try await site.actual() == "")
    #expect(try await jobs.apply(removals: .all).hasChanges)
  }

  @Test("What the server's pg_cron does not know is refused before anything is changed")
  func version() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([Self.nightly, #""name": "often", "schedule": "5 seconds", "command": "SELECT 1""#])
    let version = try #require(
      CronVersion(await site.cron("SELECT extversion FROM pg_extension WHERE extname = 'pg_cron'")))
    guard version < CronVersion(major: 1, minor: 5) else { return }
    let error = await #expect(throws: JobError.self) { _ = try await jobs.apply(removals: .all) }
    #expect(
      error?.code == .badSetting && error?.field == "cron.jobs.often.schedule" && error?.message.contains("1.5") == true
    )
    #expect(try await site.actual() == "")
  }

  @Test("A failure of one job does not stop the others, and is told with its reason")
  func partly() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([
      #""name": "bad", "schedule": "@daily", "command": "SELECT 1", "database": "nowhere""#, Self.nightly,
    ])
    let report = try await jobs.apply(removals: .all)
    #expect(report.status == .partial && site.words(report) == ["bad failed", "nightly created"])
    #expect(report.jobs[0].error?.message.contains("nowhere") == true, "\(report.jobs[0].error as Any)")
  }

  @Test("Of a job for another role a superuser alone makes and changes it")
  func otherRole() async throws {
    let site = try await CronSite()
    let other = try await CronSite()
    let declared = [#""name": "theirs", "schedule": "@daily", "command": "SELECT 7", "role": "\#(other.role)""#]
    let refused = try await site.jobs(declared).apply(removals: .all)
    #expect(refused.jobs.first?.error?.message.contains("superuser") == true, "\(refused.jobs)")
    let root = try site.jobs(declared, as: site.server.superuser)
    #expect(site.words(try await root.apply(removals: .all)) == ["theirs created"])
    #expect(try await root.plan().hasChanges == false)
    #expect(try await site.actual().contains("|\(other.role)|true"))
  }

  @Test(
    "Today's jobs are written as the part cron: ours as they are, hand-made ones inactive, and the import makes them again"
  )
  func exportAndImport() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([
      Self.nightly, Self.weekly, #""name": "keep", "schedule": "@daily", "run": "retention""#,
      #""name": "tidy", "schedule": "@daily", "run": {"prune": "14 days"}"#,
    ])
    _ = try await jobs.apply(removals: .all)
    try await site.cron(
      "SELECT cron.schedule('by hand', '5 5 * * *', 'SELECT 8'); SELECT cron.schedule('6 6 * * *', 'SELECT 8')")
    let export = try await jobs.export()
    let declaration = try CronDeclaration(export.cron)
    #expect(declaration.prefix == site.prefix)
    #expect(
      declaration.jobs.map { "\($0.name) \($0.schedule.text) \($0.isActive) \($0.timeout?.text ?? "-")" }.sorted() == [
        "by-hand 5 5 * * * false -",
        "job-\(try await site.cron("SELECT jobid FROM cron.job WHERE jobname IS NULL")) 6 6 * * * false -",
        "keep @daily true -", "nightly 15 3 * * * true -", "tidy @daily true -",
        "weekly @weekly false 5m",
      ])
    #expect(declaration.jobs.first { $0.name == "keep" }?.work == .retention)
    #expect(try declaration.jobs.first { $0.name == "tidy" }?.work == .prune(CronDuration("14 days", field: "")))
    #expect(export.notes.count { $0.contains("made by hand") } == 2)
    let before = try await site.actual()
    _ = try await jobs.remove(nil)
    let imported = try await jobs.importing(declaration)
    #expect(imported.status == .ok && imported.jobs.count { $0.outcome == .created } == 6)
    let after = try await site.actual()
    #expect(before.split(separator: "\n").allSatisfy { after.contains($0) })
    // Jobs that the file does not name stay.
    let other = try await jobs.importing(
      site.declaration([#""name": "more", "schedule": "@daily", "command": "SELECT 1""#]))
    #expect(other.jobs.map(\.outcome) == [.created])
    #expect(try await site.actual().split(separator: "\n").count == after.split(separator: "\n").count + 1)
  }

  @Test("Jobs whose database or role is gone are orphans: ours are removed on request, others are told and left")
  func orphans() async throws {
    let site = try await CronSite()
    let other = try await CronSite()
    let gone = try await site.server.makeDatabase("gone")
    _ = try await site.jobs([
      Self.nightly, #""name": "lost", "schedule": "@daily", "command": "SELECT 1", "database": "\#(gone)""#,
    ])
    .apply(removals: .all)
    try await site.cron("SELECT cron.schedule_in_database('foreign-\(site.prefix)', '@daily', 'SELECT 8', '\(gone)')")
    try await site.server.psql("postgres", "DROP DATABASE \(gone)")
    let jobs = try site.jobs([])
    let told = try await jobs.orphans(removes: false)
    #expect(
      told.jobs.map { "\($0.outcome.rawValue) \($0.reason ?? "")" }.sorted() == [
        "not_touched no_database", "planned no_database",
      ])
    let removed = try await jobs.orphans(removes: true)
    #expect(removed.jobs.map(\.outcome.rawValue).sorted() == ["not_touched", "removed"])
    #expect(try await site.actual().hasPrefix("nightly|"))
    #expect(try await site.cron("SELECT count(*) FROM cron.job WHERE jobname LIKE 'foreign-%'") == "1")
    // A job under the prefix whose role is gone is visible to a superuser alone.
    try await site.cron("SELECT cron.schedule('\(site.prefix)widow', '@daily', 'SELECT 7')", as: other.role)
    for (database, more) in [("cronned", ""), ("postgres", ""), (other.database, "; DROP ROLE \"\(other.role)\"")] {
      // Another test may change the rights on the same schema at the same time, which the server refuses.
      try await eventually {
        (try? await site.server.psql(database, "DROP OWNED BY \"\(other.role)\"\(more)")) != nil
      }
    }
    let root = try await site.jobs([], as: site.server.superuser).orphans(removes: true)
    let widow = root.jobs.filter { $0.role == other.role }
    #expect(widow.map { "\($0.outcome.rawValue) \($0.reason ?? "")" } == ["removed no_role"], "\(root.jobs)")
  }
}
