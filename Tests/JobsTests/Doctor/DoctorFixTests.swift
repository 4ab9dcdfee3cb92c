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

@Suite("What the doctor mends, and what it must not call sound")
struct DoctorFixTests {
  @Test("A role whose transactions only read is mended by that role's own session")
  func readOnly() async throws {
    let site = try await DoctorSite()
    let place = "\(SQL.identifier(site.site.admin)) IN DATABASE \(SQL.identifier(site.site.database))"
    try await site.site.server.psql(
      "postgres", "ALTER ROLE \(place) SET default_transaction_read_only = on")
    let doctor = site.job { $0.role = nil }
    let found = try await site.findings(doctor, [.database]).filter { $0.topic == .databaseSettings }
    #expect(
      found.map(\.sql) == [
        ["SET default_transaction_read_only = off", "ALTER ROLE \(place) SET default_transaction_read_only = off"]
      ])
    _ = try await doctor.fix(DoctorReport(found).sql)
    #expect(try await site.findings(doctor, [.database]).filter { $0.topic == .databaseSettings } == [])
  }

  @Test("A failure in the second database names its own user, and what the first one has")
  func secondDatabase() async throws {
    let site = try await DoctorSite()
    var options = CronOptions()
    options.database = site.site.database
    options.declaration = CronDeclaration()
    let server = options.server(beside: site.job().server)
    let cron = CronContext(server: server, pools: site.pools, declaration: options.declaration)
    let doctor = site.job {
      $0.cron = CronInspection(cron, workDatabase: nil, retentionSchema: "admin")
    }
    let statement = "COMMENT ON TABLE events.clicks IS 'kept'"
    let error = await #expect(throws: JobError.self) {
      _ = try await doctor.fix([statement], cron: ["SELECT 1", "SELECT nothing_at_all()"])
    }
    #expect(error?.message.contains("PG_CRON_USER") == true && error?.message.contains("Nothing was changed") == false)
    #expect(error?.message.contains("the SQL for PG_DATABASE was carried out") == true, "\(error as Any)")
    #expect(try await site.site.psql("SELECT obj_description('events.clicks'::regclass)") == "kept")
    let alone = await #expect(throws: JobError.self) {
      _ = try await doctor.fix([], cron: ["SELECT nothing_at_all()"])
    }
    #expect(alone?.message.contains("Nothing was changed") == true)
  }

  @Test("A time column that is not there, and a retention that was never set up, are told")
  func settings() async throws {
    let site = try await DoctorSite()
    let clicks = TableName(schema: "events", name: "clicks")
    let found = try await site.findings(
      site.job {
        $0.timeColumns = [TableColumn(clicks, "at"), TableColumn(clicks, "wann")]
        $0.retentionSchema = "nowhere"
      })
    #expect(found.map(\.topic) == [.tablesPresent, .grantsRetention], "\(found.map(\.text))")
    #expect(found.allSatisfy { $0.status == .failed })
    #expect(found[0].text.contains("wann") && found[1].remedy?.contains("--part retention") == true)
    let report = try await site.job {
      $0.retentionSchema = "nowhere"
      $0.jobs = ["backup"]
    }.run([.grants])
    #expect(report.checks.contains { $0.topic == .grantsRetention && $0.status == .skipped })
  }

  @Test(
    "A replica that has not replayed all, and whose lag was not measured, is no replica without lag",
    arguments: [
      ("NULL::interval", "'0/0'::pg_lsn", DoctorCheck.Status.warning),
      ("NULL::interval", "pg_current_wal_lsn()", .ok), ("'1 s'::interval", "'0/0'::pg_lsn", .ok),
      ("'10 min'::interval", "'0/0'::pg_lsn", .warning),
    ])
  func replica(lag: String, replayed: String, status: DoctorCheck.Status) async throws {
    let site = try await DoctorSite()
    let view = "(SELECT 'streaming' AS state, \(lag) AS replay_lag, \(replayed) AS replay_lsn)"
    let asked = SetupTemplate.fill(SQL.serverFacts, ["role": SQL.literal(site.site.role)]).replacing(
      "pg_catalog.pg_stat_replication", with: view)
    let facts = try await site.pools.withConnection(to: site.job().server.target()) { connection in
      try await ServerFacts(connection.query(asked).rows[0])
    }
    let answers = DatabaseChecks.Answers(
      facts: facts, role: site.site.role, visibility: [], lacking: [], needs: [], notOwned: [], missingColumns: [],
      hasRetention: true)
    let told = DatabaseChecks(site.scope, answers).checks(of: .database).filter { $0.topic == .databaseReplication }
    #expect(told.map(\.status) == [status], "\(told.map(\.text))")
  }

  @Test("A role without a connection left, and a port that does not speak, have their own cures")
  func signIn() async throws {
    let site = try await DoctorSite()
    try await site.site.server.psql("postgres", "ALTER ROLE \(site.site.quotedRole) CONNECTION LIMIT 0")
    let full = try await site.job(as: site.site.role) { $0.role = nil }.run([.database])
    #expect(full.checks.map(\.topic) == [.databaseConnections] && full.checks[0].status == .failed, "\(full.checks)")
    #expect(full.checks[0].remedy?.contains("CONNECTION LIMIT") == true)
    let target = try site.job().server.target()
    let silent = DatabaseChecks.signInFailed(PostgresError.poolTimeout(target: target, seconds: 3))
    #expect(silent.topic == .databaseSignIn && silent.remedy?.contains("listens") == true)
    #expect(!silent.text.contains("PG_POOL_MAX"))
    let cut = DatabaseChecks.signInFailed(
      PostgresError.server(ServerError(sqlState: "57014", message: "canceling statement due to statement timeout")))
    #expect(cut.topic == .databaseSettings && cut.remedy?.contains("statement_timeout = 0") == true)
  }
}
