import Database
import Essentials
import Foundation
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

@Suite("Rights that the doctor misses")
struct DoctorRightsTests {
  @Test("Each single privilege that is revoked is named, alone, and the SQL that is printed gives it back")
  func revoked() async throws {
    let site = try await DoctorSite()
    let doctor = site.job()
    let before = try await site.findings(doctor)
    #expect(before == [], "\(before.map(\.text))")
    let grants = try await site.granted()
    #expect(grants.count > 25)
    let grantee = " TO \(site.site.quotedRole)"
    for grant in grants {
      guard grant.hasSuffix(grantee) else { continue }
      let object = grant.dropFirst("GRANT ".count).dropLast(grantee.count)
      _ = try await site.site.psql("REVOKE \(object) FROM \(site.site.quotedRole)")
      let found = try await site.findings(doctor)
      // Several jobs may need it.
      #expect(!found.isEmpty && Set(found.flatMap(\.sql)) == [grant], "\(grant): \(found.map(\.text))")
      #expect(found.allSatisfy { $0.status == .failed && $0.topic.group == .grants })
      let fixed = try await doctor.fix(DoctorReport(found).sql)
      #expect(fixed == [grant])
      #expect(try await site.findings(doctor) == [], "\(grant)")
    }
  }

  @Test(
    "What a job needs that was not asked for is a warning; a role that lacks all has each told, and one fix gives all")
  func warning() async throws {
    let site = try await DoctorSite()
    let doctor = site.job { $0.jobs = ["backup"] }
    let role = site.site.quotedRole
    _ = try await site.site.psql("REVOKE INSERT ON events.clicks FROM \(role)")
    var found = try await site.findings(doctor)
    #expect(found.map(\.status) == [.warning] && found[0].topic == .grantsRestore)
    _ = try await site.site.psql(
      """
      REVOKE ALL ON ALL TABLES IN SCHEMA events FROM \(role); REVOKE ALL ON SCHEMA events FROM \(role);
      REVOKE ALL ON DATABASE "\(site.site.database)" FROM \(role)
      """)
    found = try await site.findings(doctor)
    #expect(Set(found.map(\.topic)) == [.grantsBackup, .grantsRestore])
    #expect(found.count { $0.topic == .grantsBackup } == 3)
    // What is a warning alone is not given.
    _ = try await doctor.fix(DoctorReport(found).sql)
    found = try await site.findings(doctor)
    #expect(!found.isEmpty && found.allSatisfy { $0.topic == .grantsRestore && $0.status == .warning })
    _ = try await site.job().fix(DoctorReport(try await site.findings(site.job())).sql)
    #expect(try await site.findings(doctor) == [])
    // The role cannot give itself anything.
    _ = try await site.site.psql("REVOKE SELECT ON events.clicks FROM \(role)")
    let asRole = site.job(as: site.site.role) { $0.role = nil }
    let own = try await site.findings(asRole)
    #expect(own.count { $0.topic == .grantsBackup } == 1)
    let error = await #expect(throws: JobError.self) { try await asRole.fix(DoctorReport(own).sql) }
    #expect(error?.code == .permissionDenied && error?.message.contains("PG_USER") == true)
  }

  @Test(
    "A task that deletes needs its rights on each partition and inheriting table too; of a table that is not there nothing is asked"
  )
  func parts() async throws {
    let site = try await DoctorSite()
    let tasks = try MaintenanceTask.list(
      JSONValue(
        json: Data(
          #"{"tasks": [{"name": "twice", "kind": "deduplicate", "table": "events.clicks", "key": ["id"], "keep": "newest", "by": "at"}, {"name": "gone", "kind": "vacuum", "tables": ["events.gone"]}]}"#
            .utf8)))
    _ = try await site.site.psql(
      "GRANT SELECT, UPDATE, DELETE ON events.clicks TO \(site.site.quotedRole); CREATE TABLE events.kid () INHERITS (events.clicks); "
        + "ALTER TABLE events.kid OWNER TO \(SetupSite.quoted(site.site.owner))"
    )
    let doctor = site.job {
      $0.needs = tasks.flatMap(\.needs)
      $0.tables = []
      $0.jobs = []
    }
    let found = try await site.findings(doctor, [.grants]).filter { $0.topic == .grantsMaintenance }
    #expect(
      found.flatMap(\.sql).sorted()
        == ["DELETE", "SELECT", "UPDATE (id)"].map { "GRANT \($0) ON TABLE events.kid TO \(site.site.quotedRole)" })
    _ = try await doctor.fix(DoctorReport(found).sql)
    #expect(try await site.findings(doctor, [.grants]).filter { $0.topic == .grantsMaintenance } == [])
  }

  @Test("What each maintenance task needs is told by task, alone, the owner's rights too, and the SQL gives it")
  func maintenance() async throws {
    let site = try await DoctorSite()
    let role = site.site.quotedRole
    let tasks = try MaintenanceTask.list(
      JSONValue(
        json: Data(
          #"""
          {"tasks": [
            {"name": "old", "kind": "delete_older_than", "table": "events.clicks", "column": "at", "keep": "90 days"},
            {"name": "twice", "kind": "deduplicate", "table": "events.clicks", "key": ["id"], "keep": "newest", "by": "at"},
            {"name": "lost", "kind": "delete_orphans", "child": "events.clicks", "columns": ["id"], "parent": "events.parent",
              "parent_columns": ["id"]},
            {"name": "tidy", "kind": "vacuum", "tables": ["events.parent"]},
            {"name": "own", "kind": "sql", "statement": "SELECT 1", "timeout": "1s"}]}
          """#.utf8)))
    _ = try await site.site.psql(
      "CREATE TABLE events.parent (id int); ALTER TABLE events.parent OWNER TO \(SetupSite.quoted(site.site.owner)); "
        + "REVOKE ALL ON events.clicks FROM \(role)")
    let needs = tasks.flatMap(\.needs)
    #expect(needs.count == 10)
    let doctor = site.job {
      $0.needs = needs
      $0.tables = []
      $0.jobs = []
    }
    func told() async throws -> [DoctorCheck] {
      try await site.findings(doctor, [.grants]).filter { $0.topic == .grantsMaintenance }
    }
    let all = try await told()
    #expect(all.count == 10 && all.allSatisfy { $0.status == .failed && $0.sql.count == 1 }, "\(all.map(\.text))")
    #expect(all.last?.text == "ownership of table events.parent is missing, which the maintenance task tidy needs")
    _ = try await doctor.fix(DoctorReport(all).sql)
    #expect(try await told() == [])
    // One by one: a member of the owner has every right, so that one goes first.
    let owner = "\(SetupSite.quoted(site.site.owner)) FROM \(role)"
    _ = try await site.site.psql("REVOKE \(owner)")
    #expect(try await told().map(\.sql) == [["GRANT \(SetupSite.quoted(site.site.owner)) TO \(role)"]])
    for (right, count) in [
      ("SELECT ON TABLE events.clicks", 3), ("DELETE ON TABLE events.clicks", 3),
      ("UPDATE (id) ON TABLE events.clicks", 2),
      ("SELECT ON TABLE events.parent", 1),
    ] {
      _ = try await site.site.psql("REVOKE \(right) FROM \(role)")
      let found = try await told().filter { $0.sql != ["GRANT \(SetupSite.quoted(site.site.owner)) TO \(role)"] }
      #expect(
        found.count == count && Set(found.flatMap(\.sql)) == ["GRANT \(right) TO \(role)"],
        "\(right): \(found.map(\.text))")
      _ = try await doctor.fix(DoctorReport(found).sql)
    }
  }

  @Test("Nobody becomes a superuser for the sake of a table, and the tables of tasks are looked at like the others")
  func mighty() async throws {
    let site = try await DoctorSite()
    _ = try await site.site.psql(
      "CREATE TABLE events.own (id int); ALTER TABLE events.own OWNER TO \(site.site.server.superuser); "
        + "ALTER TABLE events.own ENABLE ROW LEVEL SECURITY")
    let own = TableName(schema: "events", name: "own"), gone = TableName(schema: "events", name: "gone")
    let found = try await site.findings(
      site.job {
        $0.needs = [TableNeed(own, TableNeed.maintain, job: "a task"), TableNeed(gone, "SELECT", job: "another")]
      })
    #expect(found.map(\.topic) == [.tablesPresent, .tablesRowSecurity, .grantsMaintenance], "\(found.map(\.text))")
    #expect(found.last?.sql == [] && found.last?.remedy?.contains("OWNER TO") == true)
  }

  @Test("A table with a retention policy whose owner the retention's functions do not stand for is told")
  func wrapper() async throws {
    let site = try await DoctorSite()
    let third = "third \(site.site.mark)"
    _ = try await site.site.psql(
      "SELECT admin.set_policy('events.clicks', '30 days', p_time_column => 'at') \\g /dev/null")
    let doctor = site.job(as: site.site.server.superuser) { $0.tables = [] }
    #expect(try await site.findings(doctor, [.grants]) == [])
    _ = try await site.site.psql(
      "CREATE ROLE \(SetupSite.quoted(third)) NOLOGIN; ALTER TABLE events.clicks OWNER TO \(SetupSite.quoted(third))")
    let found = try await site.findings(doctor, [.grants])
    #expect(found.map(\.topic) == [.grantsRetention] && found[0].status == .failed, "\(found.map(\.text))")
    #expect(found[0].sql == ["GRANT \(SetupSite.quoted(third)) TO \(SetupSite.quoted(site.site.owner))"])
    _ = try await doctor.fix(found[0].sql)
    #expect(try await site.findings(doctor, [.grants]) == [])
  }

  @Test("Row-level security that hides rows is a failure, and the role that may pass it has none")
  func rowSecurity() async throws {
    let site = try await DoctorSite()
    _ = try await site.site.psql("ALTER TABLE events.clicks ENABLE ROW LEVEL SECURITY")
    let found = try await site.findings(site.job())
    #expect(found.map(\.topic) == [.tablesRowSecurity] && found[0].status == .failed)
    #expect(found[0].sql == ["ALTER ROLE \(site.site.quotedRole) BYPASSRLS"])
    _ = try await site.site.psql(found[0].sql[0])
    #expect(try await site.findings(site.job()) == [])
  }

  @Test("A table that is not there, a database that is not there, and a role that is not there are each told")
  func absent() async throws {
    let site = try await DoctorSite()
    let found = try await site.findings(
      site.job {
        $0.tables.append(TableName(schema: "events", name: "Clicks"))
        $0.role = "no'body\""
      })
    #expect(found.map(\.topic) == [.databaseLogin, .tablesPresent, .grantsRole], "\(found.map(\.text))")
    #expect(found.allSatisfy { $0.status == .failed })
    var server = site.site.fixture.settings.server
    server.user = site.site.admin
    server.database = "nowhere"
    let other = DoctorJob(server, site.pools, site.scope, lake: { throw CancellationError() })
    let report = try await other.run([.database, .tables, .grants, .timescaledb])
    #expect(report.checks.map(\.status) == [.failed, .skipped, .skipped, .skipped])
    #expect(report.checks[0].topic == .databaseSignIn && report.checks[0].remedy?.contains("PG_DATABASE") == true)
  }

  @Test(
    "Settings of the role that end or refuse jobs are told with what takes them back, and a role that may not log in")
  func settings() async throws {
    let site = try await DoctorSite()
    let role = site.site.quotedRole
    _ = try await site.site.psql(
      """
      ALTER ROLE \(role) SET statement_timeout = '5min'; ALTER ROLE \(role) NOLOGIN;
      ALTER ROLE \(role) IN DATABASE "\(site.site.database)" SET default_transaction_read_only = on;
      ALTER ROLE \(role) CONNECTION LIMIT 2
      """)
    let found = try await site.findings(site.job { $0.poolMaximum = 8 })
    #expect(
      found.map(\.topic) == [.databaseLogin, .databaseConnections, .databaseSettings, .databaseSettings],
      "\(found.map(\.text))")
    #expect(found[1].text.contains("the role has 2 of 2 connections left, and PG_POOL_MAX is 8"))
    #expect(found[2].status == .failed && found[2].sql[0] == "SET default_transaction_read_only = off")
    #expect(found[3].text.contains("statement_timeout is 5min"))
    for statement in found.flatMap(\.sql) { _ = try await site.site.psql(statement) }
    _ = try await site.site.psql("ALTER ROLE \(role) CONNECTION LIMIT -1")
    #expect(try await site.findings(site.job { $0.poolMaximum = 8 }) == [])
  }
}
