import Essentials
import Foundation
import Lake
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Archive
@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

/// A database with the retention's schema, a lake, and jobs as the caller, who has EXECUTE, and SELECT on the tables, only.
struct RetentionSite: Sendable {
  let base: RetentionDatabase
  let folder: TemporaryDirectory
  let lake: FolderStore
  let settings: Settings
  let pools: ConnectionPools
  var now: @Sendable () -> Date = { Date() }

  init(_ base: RetentionDatabase? = nil, folder: TemporaryDirectory? = nil) async throws {
    if let base { self.base = base } else { self.base = try await RetentionDatabase() }
    let directory = try folder ?? TemporaryDirectory("lake")
    lake = try await FolderStore(root: directory.path)
    self.folder = directory
    settings = try Settings(environment: [
      "PG_HOST": "127.0.0.1", "PG_PORT": "\(self.base.server.port)", "PG_DATABASE": self.base.name,
      "PG_USER": self.base.caller, "PG_SSLMODE": "disable", "LAKE_URL": "file://\(directory.path)",
      "PG_RETRY_SECONDS": "0",
      "PG_LOCK_TIMEOUT_SECONDS": "2", "RETENTION_SCHEMA": self.base.schema,
    ])
    pools = ConnectionPools(passwords: FixedPassword(nil), maximum: 4)
  }

  var context: JobContext {
    var context = JobContext(
      server: settings.server,
      sessions: DatabaseSessions(pools: pools, connections: 4, lockTimeoutSeconds: 2, retrySeconds: 0), lake: lake,
      admission: Admission(limit: 2), now: now)
    context.retention = settings.retention
    return context
  }

  var job: RetentionJob { RetentionJob(context, settings.backup) }

  /// In the database that several tests share.
  static func shared() async throws -> RetentionSite { try await RetentionSite(RetentionDatabase.shared) }

  /// The same database and lake, once the server was started again under the Apache edition.
  func underApache() async throws -> RetentionSite {
    try await base.restartUnderApache()
    return try await RetentionSite(base, folder: folder)
  }

  /// Makes `events.<table>`, whose first units are 14 days of hourly readings, and archives its days. What the tests' own proofs say
  /// is taken away again.
  func makeTable(_ table: String, _ kind: RetentionDatabase.Kind) async throws {
    try await base.makeTable(table, kind)
    try await base.psql(
      "DELETE FROM \(base.admin).archived_day WHERE table_name = '\(table)'; GRANT SELECT ON events.\(table) TO \(base.caller)"
    )
    try await base.settle()
    try await archive(table)
  }

  /// Archives days of the table, again where they are archived already.
  func archive(_ table: String, from: String = "2024-01-04", to: String = "2024-01-17") async throws {
    let request = """
      {"table": "events.\(table):at", "from": "\(from)", "to": "\(to)", "overwrite": true, "force": true}
      """
    let job = BackupJob(context, settings.backup)
    let report = try await job.run(job.plan(BackupRequest(JSONValue(json: Data(request.utf8)))))
    #expect(report.status == .ok, "\(report.results.compactMap(\.error))")
  }

  func run(_ table: String, dryRun: Bool = false, verify: Bool = true) async throws -> RetentionReport {
    var request = RetentionRequest()
    request.tables = [TableName(schema: "events", name: table)]
    request.isDryRun = dryRun
    request.verifies = verify
    let report = try await job.run(request)
    #expect(report.failures.isEmpty, "\(report.failures.map(\.error))")
    return report
  }

  /// The key of the lock on the archive of the first day of a table, as docs/retention.md has it.
  static func archivesKey(_ table: String) -> String {
    "(23580::int8 << 48) | (hashtextextended('sluice:archives:\(table) 2024-01-04', 0) & 281474976710655)"
  }

  /// Waits until a session waits for the lock on an archive.
  func waitForTheLock() async throws {
    try await eventually {
      try await base.psql(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid::int8 >> 16 = 23580 "
          + "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == "1"
    }
  }

  /// The path of an archive below the lake.
  func path(_ table: String, _ day: String) -> String {
    folder.file("\(base.name)/events.\(table).\(day).csv.gz")
  }

  func manifestPath(_ table: String, _ day: String) -> String {
    folder.file("\(base.name)/_sluice/events.\(table).\(day).json")
  }

  /// The actions of the audit chain, in order.
  func audited() async throws -> [String] {
    var actions: [String] = []
    let check = try await AuditChain(lake).check { actions.append($0.object?["action"]?.string ?? "") }
    #expect(check.breaks == [])
    return actions
  }
}

extension RetentionReport {
  /// The verdict of each unit: its status, and why it stays.
  var verdicts: [String] {
    results.map { [$0.status.rawValue, $0.reason].compactMap(\.self).joined(separator: " ") }
  }
}
