import Essentials
import Foundation
import Postgres
import Synchronization
import TableDays
import TestSupport
import Testing

@testable import Archive
@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("The log in the audit chain")
struct RetentionAuditTests {
  let site: RetentionSite
  let log: String

  init() async throws {
    site = try await RetentionSite(RetentionDatabase(timescale: false))
    log = "\(site.base.admin).chunk_maintenance_log"
  }

  /// The lines of the chain: the action and the unit of each.
  private func lines() async throws -> [JSONValue] {
    var lines: [JSONValue] = []
    let check = try await AuditChain(site.lake).check { lines.append($0) }
    #expect(check.breaks == [])
    return lines
  }

  private func actions() async throws -> [String] { try await lines().map { $0.object?["action"]?.string ?? "" } }

  private func unaudited() async throws -> String {
    try await site.base.psql(as: site.base.caller, "SELECT count(*) FROM \(site.base.admin).unaudited(1000)")
  }

  @Test(
    "Policies and drops have a line each, with what the log knows, and what stayed has none", arguments: [true, false])
  func lines(isPlain: Bool) async throws {
    try await site.makeTable("clicks", isPlain ? .plain : .partitions)
    try await site.base.psql("INSERT INTO events.clicks VALUES ('2024-01-17 12:30Z', 9, 9)")
    let report = try await site.run("clicks")
    #expect(report.status == .ok && report.auditError == nil && report.verdicts.last == "kept late_rows")
    #expect(try await unaudited() == "0")
    let lines = try await lines()
    #expect(
      try await actions() == ["policy"] + [String](repeating: isPlain ? "delete" : "drop", count: isPlain ? 13 : 1))
    let first = try #require(lines[1].object)
    #expect(first["table"]?.string == "events.clicks" && first["database"]?.string == site.base.name)
    #expect(first["outcome"]?.string == "dropped" && first["by"]?.string == site.base.caller)
    #expect(first["unit"]?.string == (isPlain ? "2024-01-04" : "events.clicks_0"))
    #expect(first["kind"]?.string == (isPlain ? "rows" : "partition"))
    #expect(first["rows"]?.whole == (isPlain ? 24 : 168) && first["start"]?.string?.hasPrefix("2024-01-04") == true)
    guard case .array(let archives)? = first["archives"] else { throw CommandFailure(description: "no archives") }
    #expect(archives.count == (isPlain ? 1 : 7))
    #expect(archives[0].object?["path"]?.string == "\(site.base.name)/events.clicks.2024-01-04.csv.gz")
    #expect(lines[0].object?["by"]?.string == site.base.other)
    #expect(lines[0].object?["after"]?.object?["table_name"]?.string == "clicks")
  }

  @Test("Where the lake refuses the lines the run is partial and says so; the next run writes them")
  func refused() async throws {
    try await site.makeTable("clicks", .partitions)
    let folder = site.folder.file("_sluice/audit")
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: site.folder.file("_sluice"), withIntermediateDirectories: true)
    try Data().write(to: URL(filePath: folder))
    let report = try await site.run("clicks")
    #expect(report.verdicts == ["dropped", "dropped"])
    #expect(report.status == .partial && report.auditError != nil)
    #expect(try JSONValue(encoding: report).object?["audit_error"] != nil)
    #expect(try await unaudited() == "3")
    try FileManager.default.removeItem(atPath: folder)
    let dry = try await site.run("clicks", dryRun: true)
    #expect(dry.status == .ok && dry.auditError == nil)
    #expect(try await actions() == [])
    let next = try await site.run("clicks")
    #expect(next.status == .ok && next.auditError == nil)
    #expect(try await actions() == ["policy", "drop", "drop"])
    #expect(try await unaudited() == "0")
  }

  @Test("What was dropped in SQL gets its line with the next run, also where that has nothing to do")
  func droppedBySQL() async throws {
    try await site.makeTable("clicks", .partitions)
    _ = try await site.run("clicks", verify: false)
    try await site.base.prove("clicks")
    #expect(
      try await site.base.psql(
        as: site.base.caller,
        "SELECT count(*) FROM \(site.base.admin).drop_chunks_older_than('events.clicks', '30 days') WHERE outcome = 'dropped'"
      ) == "2")
    #expect(try await actions() == ["policy"])
    try await site.base.psql("UPDATE \(site.base.admin).retention_policy SET enabled = false")
    _ = try await site.run("clicks")
    let lines = try await lines()
    #expect(try await actions() == ["policy", "drop", "drop"])
    #expect(lines[1].object?["note"]?.string == "drop_chunks_older_than")
  }

  @Test(
    "A process that ends between the write and the mark has nothing told twice, nor has another month begun meanwhile")
  func killedBetween() async throws {
    var site = site
    try await site.makeTable("clicks", .partitions)
    site.now = { Date(timeIntervalSince1970: 1_900_000_000) }
    _ = try await site.run("clicks")
    let before = try await lines()
    try await site.base.psql("UPDATE \(log) SET audited_at = NULL")
    site.now = { Date(timeIntervalSince1970: 1_900_000_000 + 31 * 86_400) }
    _ = try await site.run("clicks")
    #expect(try await lines() == before)
    #expect(try await unaudited() == "0")
    // An entry of a schema that was made anew has the same number, and another time.
    try await site.base.psql("UPDATE \(log) SET audited_at = NULL, at = at + interval '1 s' WHERE outcome = 'dropped'")
    _ = try await site.run("clicks")
    #expect(try await actions() == ["policy", "drop", "drop", "close", "drop", "drop"])
  }

  @Test("Runs that write the same entries at the same time write each once")
  func together() async throws {
    try await site.makeTable("clicks", .plain)
    _ = try await site.run("clicks")
    try await site.base.psql("UPDATE \(log) SET audited_at = NULL, at = at + interval '1 s'")
    let target = try site.settings.server.target()
    let schema = try #require(
      try await site.pools.withConnection(to: target) { try await RetentionSchema.find("admin", on: $0) })
    let count = try await lines().count
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        let context = site.context
        group.addTask {
          let error = await LogAudit(context: context, schema: schema, target: target).write()
          #expect(error == nil)
        }
      }
      try await group.waitForAll()
    }
    #expect(try await lines().count == 2 * count)
  }

  @Test("A long run writes lines before its end")
  func groups() async throws {
    try await site.makeTable("clicks", .partitions)
    let clock = Mutex(Date())
    let seen = Mutex<[Int]>([])
    let path = site.folder.file("_sluice/audit")
    var site = site
    site.now = { clock.withLock { $0 } }
    let job = RetentionJob(site.context, site.settings.backup) { _ in
      clock.withLock { $0.addTimeInterval(31) }
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      let text = names.compactMap { try? String(contentsOfFile: "\(path)/\($0)", encoding: .utf8) }.joined()
      seen.withLock { $0.append(text.split(separator: "\n").count) }
    }
    _ = try await job.run(RetentionRequest())
    #expect(seen.withLock { $0 } == [1, 2])
  }

  @Test(
    "With a schema of an earlier version nothing is dropped, and the run says how it is renewed; what it has logged counts as told"
  )
  func earlierVersion() async throws {
    try await site.makeTable("clicks", .partitions)
    let admin = site.base.admin
    try await site.base.psql(
      "DROP FUNCTION \(admin).unaudited(int), \(admin).mark_audited(bigint[]); ALTER TABLE \(log) DROP COLUMN audited_at"
    )
    try await site.base.psql("INSERT INTO events.clicks VALUES ('2024-01-17 12:30Z', 9, 9)")
    await #expect {
      try await site.run("clicks")
    } throws: { error in
      let error = error as? JobError
      return error?.code == .notConfigured && error?.message.contains("sluice setup apply --part retention") == true
    }
    #expect(try await site.base.count("clicks") == 14 * 24 + 1)
    for _ in 0..<2 {
      try await site.base.apply()
      #expect(try await unaudited() == "0")
    }
    #expect(try await site.run("clicks").verdicts == ["dropped", "kept late_rows"])
    #expect(try await actions().last == "drop")
  }

  @Test("Only the caller and who makes policies may mark entries, and nobody but the owner may change them otherwise")
  func rights() async throws {
    try await site.makeTable("clicks", .partitions)
    try await site.base.psql(
      "CREATE ROLE nobody_\(site.base.name) LOGIN; GRANT USAGE ON SCHEMA \(site.base.admin) TO PUBLIC")
    let mark = "SELECT \(site.base.admin).mark_audited('{1}')"
    let stranger = try await site.base.attempt(as: "nobody_\(site.base.name)", mark)
    #expect(stranger.errors.contains("permission denied for function mark_audited"))
    let update = try await site.base.attempt(as: site.base.caller, "UPDATE \(log) SET audited_at = now()")
    #expect(update.errors.contains("permission denied for table"))
    for role in [site.base.caller, site.base.other] { try await site.base.psql(as: role, mark) }
  }

  private func keepArchives() async throws {
    try await site.makeTable("clicks", .plain)
    try await site.base.psql(
      """
      UPDATE \(site.base.admin).retention_policy SET keep = '9000 days', keep_archives = '20 days';
      GRANT USAGE ON SCHEMA sluice TO \(site.base.caller); GRANT SELECT ON sluice.hold TO \(site.base.caller)
      """)
  }

  @Test("The archives of a table that are removed are told by one write before, and with their outcomes by one after")
  func archives() async throws {
    try await keepArchives()
    // Rows that are gone: the archive of their day is the last copy.
    try await site.base.psql("DELETE FROM events.clicks WHERE at >= '2024-01-04Z' AND at < '2024-01-05Z'")
    let results = try await ArchiveRetention(site.job).run(dryRun: false)
    #expect(results.map(\.status) == [.kept] + [ArchiveRetentionResult.Status](repeating: .removed, count: 13))
    let lines = try await lines().compactMap(\.object)
    #expect(lines.map { $0["action"]?.string } == [String?](repeating: "remove_archive", count: 26))
    #expect(
      lines.map { $0["outcome"]?.string } == [String?](repeating: "begun", count: 13)
        + [String?](repeating: "removed", count: 13))
    #expect(lines.prefix(13).map { $0["change"] } == lines.suffix(13).map { $0["change"] })
    #expect(try await AuditChain(site.lake).check().unfinished == [])
  }

  @Test("Where the chain cannot be told before, no archive is removed")
  func archivesUntold() async throws {
    try await keepArchives()
    let folder = site.folder.file("_sluice/audit")
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: site.folder.file("_sluice"), withIntermediateDirectories: true)
    try Data().write(to: URL(filePath: folder))
    let results = try await ArchiveRetention(site.job).run(dryRun: false)
    #expect(results.count == 14)
    #expect(results.allSatisfy { $0.status == .failed && $0.error?.message.contains("nothing was changed") == true })
    for result in results { #expect(FileManager.default.fileExists(atPath: site.folder.file(result.path))) }
  }

  @Test(
    "An archive because of which rows were dropped is kept by an overwrite, whatever came since, until it is forced")
  func lastCopy() async throws {
    try await site.makeTable("clicks", .plain)
    #expect(try await site.run("clicks").results.count == 14)
    try await site.base.psql(
      "INSERT INTO events.clicks SELECT '2024-01-04 01:00Z'::timestamptz + n * interval '1 s', n, 0 FROM generate_series(1, 30) n"
    )
    func overwrite(_ more: String = "") async throws -> BackupResult {
      let request = #"{"table": "events.clicks:at", "date": "2024-01-04", "overwrite": true\#(more)}"#
      let job = BackupJob(site.context, site.settings.backup)
      return try #require(try await job.run(job.plan(BackupRequest(JSONValue(json: Data(request.utf8))))).results.first)
    }
    let before = try Data(contentsOf: URL(filePath: site.path("clicks", "2024-01-04")))
    let kept = try await overwrite()
    #expect(kept.status == .skipped && kept.dropped == true && kept.rows == 24)
    #expect(kept.warnings.contains { $0.contains("may be their only copy") })
    #expect(try Data(contentsOf: URL(filePath: site.path("clicks", "2024-01-04"))) == before)
    // A role that may not ask does not know.
    try await site.base.psql("REVOKE USAGE ON SCHEMA \(site.base.admin) FROM \(site.base.caller)")
    let refused = try await overwrite()
    #expect(refused.status == .failed && refused.error?.code == .permissionDenied)
    #expect(refused.error?.message.contains("GRANT USAGE ON SCHEMA") == true, "\(refused.error?.message ?? "")")
    try await site.base.psql("GRANT USAGE ON SCHEMA \(site.base.admin) TO \(site.base.caller)")
    #expect(try Data(contentsOf: URL(filePath: site.path("clicks", "2024-01-04"))) == before)
    let forced = try await overwrite(#", "force": true"#)
    #expect(forced.status == .ok && forced.rows == 30)
    // The new archive was used for no drop.
    #expect(try await overwrite().status == .ok)
  }

  @Test("A role that may not set policies is told what it takes")
  func policyRights() async throws {
    try await site.makeTable("clicks", .plain)
    var change = RetentionSchema.PolicyChange()
    change.keep = "40 days"
    let wanted = change
    await #expect {
      try await RetentionAdministration(site.job).set(
        wanted, of: TableName(schema: "events", name: "clicks"), note: nil)
    } throws: { error in
      let error = error as? JobError
      return error?.code == .permissionDenied && error?.message.contains("--policies-by") == true
    }
    #expect(try await site.base.psql("SELECT keep FROM \(site.base.admin).retention_policy") == "30 days")
  }
}
