import Database
import Essentials
import Foundation
import Lake
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs

/// A site whose role has been set up, and a doctor who signs in as the administrator and looks at that role.
struct DoctorSite: Sendable {
  let site: SetupSite
  let folder: TemporaryDirectory
  let pools = ConnectionPools(passwords: FixedPassword(nil), maximum: 1)
  var scope = DoctorScope()

  init() async throws {
    site = try await SetupSite()
    folder = try TemporaryDirectory("lake")
    scope.tables = [TableName(schema: "events", name: "clicks"), TableName(schema: "Me.tr\"ics", name: "Load.\"s")]
    scope.jobs = ["backup", "restore", "retention"]
    scope.role = site.role
    // What PUBLIC has nobody misses.
    _ = try await site.psql("REVOKE ALL ON DATABASE \"\(site.database)\" FROM PUBLIC")
    try await site.apply([
      "part": .array(["roles", "backup", "restore", "restore-log", "retention"].map { .string($0) }),
      "owner": .string(site.owner),
    ])
  }

  func job(as user: String? = nil, _ change: (inout DoctorScope) -> Void = { _ in }) -> DoctorJob {
    var server = site.fixture.settings.server
    server.user = user ?? site.admin
    var scope = scope
    change(&scope)
    let path = folder.path
    return DoctorJob(server, pools, scope, lake: { try await FolderStore(root: path) })
  }

  /// What is neither in order nor skipped.
  func findings(_ job: DoctorJob, _ groups: Set<DoctorCheck.Group> = [.database, .tables, .grants]) async throws
    -> [DoctorCheck]
  {
    try await job.run(groups).checks.filter { $0.status == .failed || $0.status == .warning }
  }

  /// The items of the role's parts, without those that the doctor leaves to `sluice setup`.
  func granted() async throws -> [String] {
    var subject = SetupSubject(role: site.role)
    subject.tables = scope.tables
    subject.schemas = scope.tables.map(\.schema)
    subject.owner = site.owner
    var statements: [String] = []
    for name in ["backup", "restore", "restore-log", "retention"] {
      guard let part = SetupParts.part(name) else { continue }
      let about = subject
      let facts = try await pools.withConnection(to: job().server.target()) {
        try await SetupFacts.read(part, for: about, hasNotes: false, on: $0)
      }
      for item in facts.wanted where item.statement.hasPrefix("GRANT ") && item.kind != "default" {
        #expect(item.state == .present, "\(item.words)")
        if !statements.contains(item.statement) { statements.append(item.statement) }
      }
    }
    return statements
  }
}
