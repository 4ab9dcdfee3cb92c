import Essentials
import Foundation
import Lake
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

/// A role with the right to schedule jobs by a real pg_cron, in another database than its work database, and a lake of its own.
struct CronSite: Sendable {
  /// The server that the tests of pg_cron share; its jobs run side by side.
  static let serverTask = Task {
    let server = try await PostgresServer(settings: ["shared_preload_libraries=pg_cron", "cron.database_name=cronned"])
    try await server.psql("postgres", "CREATE DATABASE cronned; CREATE DATABASE work")
    try await server.psql("cronned", "CREATE EXTENSION pg_cron")
    return server
  }

  let server: PostgresServer
  let fixture: Fixture
  /// The role that signs in, which is no superuser.
  let role: String
  /// The prefix of the role's jobs.
  var prefix: String
  /// The database of pg_cron.
  var cronDatabase = "cronned"

  var database: String { fixture.database }

  init(server given: PostgresServer? = nil, cronDatabase: String = "cronned", isSuper: Bool = false) async throws {
    let server = if let given { given } else { try await Self.serverTask.value }
    let mark = UUID().uuidString.prefix(8).lowercased()
    role = "Cron.\(mark)"
    prefix = "p\(mark)_"
    self.server = server
    self.cronDatabase = cronDatabase
    fixture = try await Fixture(
      "CREATE TABLE done (at timestamptz DEFAULT clock_timestamp(), note text)", server: server)
    try await server.psql("postgres", "CREATE ROLE \(role.inDoubleQuotes) LOGIN \(isSuper ? "SUPERUSER" : "")")
    try await fixture.psql("GRANT ALL ON done TO \(role.inDoubleQuotes)")
    try await grant(on: server, cronDatabase)
  }

  /// The rights of the part `cron`, as the setup gives them.
  func grant(on server: PostgresServer, _ database: String) async throws {
    var settings = DatabaseServer()
    (settings.host, settings.port, settings.database) = ("127.0.0.1", server.port, database)
    (settings.user, settings.sslMode) = (server.superuser, .disable)
    let pools = ConnectionPools(passwords: FixedPassword(nil), maximum: 2)
    let job = SetupJob(server: settings, pools: pools)
    let report = try await job.run(SetupRequest(.apply, ["role": .string(role), "part": "cron"]))
    #expect(report.status == .ok, "\(report.parts.compactMap(\.error))")
    await pools.close()
  }

  /// The declaration of jobs, each as the members of its JSON.
  func declaration(_ jobs: [String]) throws -> CronDeclaration {
    let json = "{\"prefix\": \"\(prefix)\", \"jobs\": [\(jobs.map { "{\($0)}" }.joined(separator: ", "))]}"
    return try CronDeclaration(JSONValue(json: Data(json.utf8)))
  }

  /// The jobs of a role: of the site's, of another one, or of the superuser.
  func jobs(_ declared: [String]? = [], as user: String? = nil, lake: (any LakeStore)? = nil) throws -> CronJobs {
    var options = CronOptions()
    options.database = cronDatabase
    options.user = user ?? role
    options.declaration = try declared.map(declaration)
    var context = fixture.context
    context.server.user = user ?? role
    context.server.port = server.port
    if let lake { context.lake = lake }
    context.cron = CronContext(
      server: options.server(beside: context.server), pools: ConnectionPools(passwords: FixedPassword(nil), maximum: 3),
      declaration: options.declaration)
    var jobs = try CronJobs(context)
    jobs.pause = .milliseconds(200)
    return jobs
  }

  /// The jobs under the prefix as the server has them, with their roles.
  func actual(on other: PostgresServer? = nil, _ database: String? = nil) async throws -> String {
    try await (other ?? server).psql(
      database ?? cronDatabase,
      """
      SELECT substr(jobname, \(prefix.count + 1)) || '|' || schedule || '|' || command || '|' || database || '|'
        || CASE username WHEN '\(role)' THEN 'role' ELSE username END || '|' || active
      FROM cron.job WHERE starts_with(jobname, '\(prefix)') ORDER BY 1
      """)
  }

  /// Runs SQL in the database of pg_cron as a role, the site's by default.
  @discardableResult
  func cron(_ sql: String, as user: String? = nil) async throws -> String {
    let result = try await server.psql(cronDatabase, as: user ?? role, sql)
    guard result.status == 0 else { throw CommandFailure(description: result.errors) }
    return result.output.trimmingCharacters(in: .newlines)
  }

  /// `name outcome` of each job of a report, without the prefix.
  func words(_ report: CronReport) -> [String] {
    report.jobs.map { job in
      [String(job.name.dropFirst(prefix.count)), job.outcome.rawValue, job.drift?.kind.rawValue].compactMap(\.self)
        .joined(separator: " ")
    }
  }
}
