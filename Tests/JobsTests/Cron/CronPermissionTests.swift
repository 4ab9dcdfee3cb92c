import Essentials
import Foundation
import TableDays
import TestSupport
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("The rights on pg_cron", .enabled(if: PostgresServer.hasCron, "the extension pg_cron is not installed"))
struct CronPermissionTests {
  /// A server of its own: rights of PUBLIC are taken away there.
  private static let serverTask = Task {
    let server = try await PostgresServer(settings: ["shared_preload_libraries=pg_cron", "cron.database_name=cronned"])
    try await server.psql("postgres", "CREATE DATABASE cronned; CREATE DATABASE work")
    try await server.psql("cronned", "CREATE EXTENSION pg_cron")
    try await server.psql(
      "cronned",
      """
      REVOKE CONNECT ON DATABASE cronned, work FROM PUBLIC;
      REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cron FROM PUBLIC;
      REVOKE ALL ON ALL TABLES IN SCHEMA cron FROM PUBLIC;
      """)
    return server
  }

  /// What is taken from a role, and what is told of it.
  static let privileges = [
    ("ALTER ROLE %R NOLOGIN", "LOGIN of role %R"),
    ("REVOKE CONNECT ON DATABASE cronned FROM %R", "CONNECT on database cronned"),
    ("REVOKE CONNECT ON DATABASE work FROM %R", "CONNECT on database work"),
    ("REVOKE USAGE ON SCHEMA cron FROM %R", "USAGE on schema cron"),
    (
      "REVOKE EXECUTE ON FUNCTION cron.schedule(text, text, text) FROM %R",
      "EXECUTE on function cron.schedule(text, text, text)"
    ),
    (
      "REVOKE EXECUTE ON FUNCTION cron.schedule_in_database(text, text, text, text, text, boolean) FROM %R",
      "EXECUTE on function cron.schedule_in_database(text, text, text, text, text, boolean)"
    ),
    (
      "REVOKE EXECUTE ON FUNCTION cron.alter_job(bigint, text, text, text, text, boolean) FROM %R",
      "EXECUTE on function cron.alter_job(bigint, text, text, text, text, boolean)"
    ),
    ("REVOKE EXECUTE ON FUNCTION cron.unschedule(bigint) FROM %R", "EXECUTE on function cron.unschedule(bigint)"),
    ("REVOKE SELECT ON cron.job FROM %R", "SELECT on table cron.job"),
    ("REVOKE SELECT ON cron.job_run_details FROM %R", "SELECT on table cron.job_run_details"),
    ("REVOKE DELETE ON cron.job_run_details FROM %R", "DELETE on table cron.job_run_details"),
  ]

  @Test(
    "Each privilege that is taken is named, and it alone, and the statement that is told gives it back",
    // Grants on the same thing at the same time are refused by the server.
    .serialized, arguments: privileges)
  func one(taken: String, told: String) async throws {
    let server = try await Self.serverTask.value
    let site = try await CronSite(server: server)
    let quoted = site.role.inDoubleQuotes
    try await server.psql("work", "GRANT CONNECT ON DATABASE work TO \(quoted)")
    let declared = [#""name": "a", "schedule": "@daily", "command": "SELECT 1", "database": "work""#]
    // The list is that of the declaration and of the part cron: with all of it the role does everything.
    let jobs = try site.jobs(declared)
    #expect(try await jobs.inspection.permissions().missing.isEmpty)
    let report = try await jobs.apply(removals: .all)
    #expect(report.status == .ok, "\(report.jobs.compactMap(\.error))")
    _ = try await jobs.set(active: false, nil)
    #expect(try await jobs.prune(olderThan: CronDuration(milliseconds: 1)).removed == 0)
    _ = try await jobs.status()
    _ = try await jobs.remove(nil)

    try await server.psql("cronned", taken.replacing("%R", with: quoted))
    // The role may not be able to sign in: an administrator asks for it.
    let root = try site.jobs(declared, as: server.superuser)
    let missing = try await root.inspection.permissions(role: site.role).missing
    #expect(missing.map(\.what) == [told.replacing("%R", with: quoted)])
    let statement = try #require(missing.first?.statement)
    // The doctor tells the same, and gives it back.
    var scope = DoctorScope()
    (scope.cron, scope.role) = (root.inspection, site.role)
    let doctor = DoctorJob(
      root.context.server, root.context.sessions.pools, scope, lake: { throw CancellationError() })
    let found = try await doctor.run([.cron])
    #expect(found.checks.filter { $0.status == .failed }.map(\.sql) == [[statement]], "\(found.checks.map(\.text))")
    #expect(found.checks.first { $0.status == .failed }?.topic == .cronPrivileges)
    #expect(try await doctor.fix([], cron: found.cronSQL) == [statement])
    #expect(try await root.inspection.permissions(role: site.role).missing.isEmpty)
    #expect(try await jobs.apply(removals: .all).status == .ok)
    _ = try await jobs.remove(nil)
  }

  @Test("A role without any right is told all of them, and what only some need is optional")
  func nothing() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([], as: site.server.plainUser)
    var context = site.fixture.context
    context.cron = jobs.cron
    let root = try site.jobs([], as: site.server.superuser)
    let report = try await root.inspection.permissions(role: "plain")
    #expect(Set(report.missing.map(\.what)).contains("USAGE on schema cron"))
    let own = try await site.jobs([]).inspection.permissions()
    #expect(own.items.contains { $0.what == "pg_read_all_settings" && $0.state == .optional })
    #expect(own.notes.contains { $0.contains("not visible") })
    #expect(own.items.contains { $0.what.hasPrefix("sign-in") && $0.state == .unknown })
    // A superuser reads pg_hba.conf: the tests' server trusts 127.0.0.1, and has no line for ::1.
    let seen = try await root.inspection.permissions(role: site.role)
    #expect(
      seen.items.contains { $0.what.hasPrefix("sign-in") && $0.note?.contains("it depends on the address") == true },
      "\(seen.items)")
    let unknown = try await root.inspection.permissions(role: "nobody at all")
    #expect(unknown.missing.map(\.note) == [unknown.missing.first?.note] && unknown.items.count == 1)
    #expect(
      unknown.missing.first?.note?.contains("there is no role nobody at all; sluice setup apply --role 'nobody at all'")
        == true)
  }

  @Test("A job that runs the retention needs the part of the setup that makes it, in its database")
  func retention() async throws {
    let site = try await CronSite()
    let declared = [#""name": "keep", "schedule": "@daily", "run": "retention""#]
    let root = try site.jobs(declared, as: site.server.superuser)
    func told() async throws -> [String] { try await root.inspection.permissions().missing.compactMap(\.note) }
    #expect(
      try await told().first?.contains("sluice setup apply --role \(site.server.superuser) --part retention") == true)
    #expect(try await told().count == 1)
    #expect(try await root.inspection.permissions(role: "nosuch").items.map(\.what) == ["role nosuch"])
    let checks = await CronChecks(root.inspection, role: nil).run()
    #expect(
      checks.contains { $0.status == .failed && $0.remedy?.contains("--part retention") == true },
      "\(checks.map(\.text))")
    try await site.fixture.psql(
      "CREATE SCHEMA admin; CREATE PROCEDURE admin.enforce_retention_all() LANGUAGE sql AS 'SELECT 1'")
    #expect(try await told() == [])
  }

  @Test("The doctor warns of what cannot be known, and a database without the extension is a failure with its cure")
  func doctor() async throws {
    let site = try await CronSite()
    let jobs = try site.jobs([CronApplyTests.nightly])
    let checks = await CronChecks(jobs.inspection, role: nil).run()
    #expect(
      checks.contains { $0.topic == .cronPrivileges && $0.status == .warning && $0.text.contains("sign-in of pg_cron") }
    )
    #expect(
      checks.contains {
        $0.topic == .cronSettings && $0.sql == ["GRANT pg_read_all_settings TO \(site.role.inDoubleQuotes)"]
      })
    var elsewhere = jobs.cron
    elsewhere.server.server.database = "postgres"
    let inspection = CronInspection(elsewhere, workDatabase: site.database, retentionSchema: "admin")
    let none = await CronChecks(inspection, role: nil).run()
    #expect(
      none.map(\.topic) == [.cronServer] && none[0].status == .failed
        && none[0].remedy?.contains("CREATE EXTENSION") == true)
    let nobody = await CronChecks(jobs.inspection, role: "nosuch").run()
    #expect(nobody.contains { $0.status == .failed && $0.remedy?.contains("sluice setup apply --role nosuch") == true })
  }

  @Test("Jobs for another role need a superuser, which is told")
  func otherRole() async throws {
    let site = try await CronSite()
    let other = try await CronSite()
    let declared = [#""name": "a", "schedule": "@daily", "command": "SELECT 1", "role": "\#(other.role)""#]
    let report = try await site.jobs(declared).inspection.permissions()
    #expect(report.missing.map(\.what) == ["SUPERUSER, for jobs of \(other.role)"], "\(report.missing)")
    #expect(try await site.jobs(declared, as: site.server.superuser).inspection.permissions().missing.isEmpty)
  }

  @Test(
    "The first line of pg_hba.conf that matches decides",
    arguments: [
      (
        [CronHostRule(line: 1, type: "host", databases: ["all"], users: ["all"], address: "all", method: "trust")],
        "localhost", "allowed"
      ),
      ([CronHostRule(line: 1, type: "local", databases: ["all"], users: ["all"], method: "trust")], "/run", "allowed"),
      (
        [CronHostRule(line: 1, type: "local", databases: ["all"], users: ["all"], method: "trust")], "localhost",
        "refused"
      ),
      (
        [
          CronHostRule(
            line: 1, type: "host", databases: ["work"], users: ["me"], address: "samehost", method: "reject"),
          CronHostRule(line: 2, type: "host", databases: ["all"], users: ["all"], address: "all", method: "trust"),
        ], "localhost", "refused"
      ),
      (
        [
          CronHostRule(line: 1, type: "host", databases: ["other"], users: ["me"], address: "all", method: "reject"),
          CronHostRule(line: 2, type: "host", databases: ["all"], users: ["you"], address: "all", method: "reject"),
          CronHostRule(
            line: 3, type: "host", databases: ["all"], users: ["all"], address: "127.0.0.0", netmask: "255.0.0.0",
            method: "trust"),
        ], "127.0.0.1", "allowed"
      ),
      (
        [
          CronHostRule(
            line: 1, type: "host", databases: ["all"], users: ["all"], address: "all", method: "scram-sha-256")
        ], "localhost",
        "unknown"
      ),
      (
        [CronHostRule(line: 1, type: "host", databases: ["all"], users: ["+staff"], address: "all", method: "trust")],
        "localhost", "unknown"
      ),
      (
        [
          CronHostRule(
            line: 1, type: "host", databases: ["all"], users: ["all"], address: "127.0.0.1", netmask: "255.255.255.255",
            method: "trust")
        ], "localhost", "unknown"
      ),
      (
        // Each address has a line of its own.
        [
          CronHostRule(
            line: 1, type: "host", databases: ["all"], users: ["all"], address: "127.0.0.1", netmask: "255.255.255.255",
            method: "reject"),
          CronHostRule(
            line: 2, type: "host", databases: ["all"], users: ["all"], address: "::1",
            netmask: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", method: "reject"),
        ], "localhost", "refused"
      ),
    ])
  func hostRules(rules: [CronHostRule], host: String, word: String) {
    let verdict = CronSignIn.verdict(rules, database: "work", role: "me", host: host)
    #expect("\(verdict)".hasPrefix(word), "\(verdict)")
  }

  @Test("Each setting of the server is told with what it means, and one that the role may not read is told as that")
  func settings() async throws {
    let site = try await CronSite()
    let own = try await site.jobs([]).inspection.settings()
    #expect(own.status == .ok)
    #expect(Set(own.items.filter { $0.name != "cron.timezone" }.map(\.verdict)) == [.notReadable])
    #expect(own.items[0].remedy == "GRANT pg_read_all_settings TO \(site.role.inDoubleQuotes)")
    let root = try await site.jobs([], as: site.server.superuser).inspection.settings()
    #expect(root.items.map(\.verdict) == Array(repeating: .ok, count: 6), "\(root.items)")
    #expect(root.items[1].value == "cronned")
    var other = try site.jobs([], as: site.server.superuser)
    var cron = other.cron
    cron.server.server.database = "postgres"
    var context = other.context
    context.cron = cron
    other = try CronJobs(context)
    let elsewhere = try await other.inspection.settings()
    #expect(elsewhere.status == .failed)
    #expect(
      elsewhere.items.contains { $0.name == "cron.database_name" && $0.remedy == "set PG_CRON_DATABASE to cronned" })
    let error = await #expect(throws: JobError.self) { _ = try await other.plan() }
    #expect(error?.code == .cronNotAvailable && error?.message.contains("cron.database_name is cronned") == true)
  }

  @Test("What other values of the settings mean")
  func verdicts() throws {
    var facts = CronFacts(
      database: "d", role: "r", isSuper: true, readsSettings: true, version: "1.6", now: .init(), isFiltered: false,
      settings: [
        "shared_preload_libraries": "timescaledb", "cron.database_name": "e", "cron.timezone": "Europe/Berlin",
        "cron.max_running_jobs": "0", "cron.use_background_workers": "on", "cron.log_run": "off",
      ])
    let items = CronSettingsReport.items(facts, hasTimeouts: true, activeJobs: 3)
    #expect(items.map(\.verdict) == [.failed, .failed, .ok, .failed, .warning, .warning])
    #expect(items[2].note?.contains("Europe/Berlin") == true)
    facts.settings["cron.max_running_jobs"] = "2"
    #expect(CronSettingsReport.items(facts, hasTimeouts: false, activeJobs: 3)[3].verdict == .warning)
    #expect(CronSettingsReport.items(facts, hasTimeouts: false, activeJobs: 3)[4].verdict == .ok)
    facts.settings = [:]
    facts.version = nil
    #expect(Set(CronSettingsReport.items(facts, hasTimeouts: false, activeJobs: 0).map(\.verdict)) == [.failed])
  }
}
