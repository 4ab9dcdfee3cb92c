import Database
import Essentials
import Postgres
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

@Suite("The setup of a role")
struct SetupTests {
  @Test(
    "Applied, nothing is left to do; applied again, nothing changes; removed, nothing is left",
    arguments: [true, false])
  func wayAndBack(isSuper: Bool) async throws {
    let site = try await SetupSite(isSuper: isSuper)
    let before = try await site.definitions()
    let plan = try await site.run(.plan)
    #expect(plan.parts.map(\.plan.name) == ["roles", "backup", "restore", "restore-log", "drill"])
    #expect(plan.parts.allSatisfy { $0.status == .planned && !$0.plan.changes.isEmpty })
    #expect(plan.parts.flatMap(\.plan.changes).allSatisfy { $0.state == .missing })
    #expect(try await site.definitions() == before, "a plan changes nothing")
    #expect(try await site.run(.apply, ["dry_run": true]).hasChanges)
    #expect(try await site.definitions() == before, "a dry run changes nothing")

    let applied = try await site.run(.apply)
    #expect(
      applied.parts.map(\.status) == [.applied, .applied, .applied, .applied, .applied], "\(applied.parts.map(\.error))"
    )
    let after = try await site.definitions()
    #expect(after != before)
    let versions = try await site.psql("SELECT * FROM sluice.schema_version ORDER BY part")
    #expect(versions.split(separator: "\n").count == 5)
    #expect(versions.contains("|\(Program.version)"))
    #expect(try await site.run(.plan).hasChanges == false)
    #expect(try await site.run(.apply).parts.allSatisfy { $0.status == .unchanged })
    #expect(try await site.definitions() == after)
    #expect(try await site.psql("SELECT * FROM sluice.schema_version ORDER BY part") == versions)

    #expect(try await site.run(.remove, ["dry_run": true]).hasChanges)
    #expect(try await site.definitions() == after, "a dry run changes nothing")
    let removed = try await site.run(.remove)
    #expect(
      removed.parts.map(\.status) == [.unchanged, .unchanged, .removed, .removed, .removed, .removed, .removed],
      "\(removed.parts.map(\.error))")
    #expect(try await site.definitions() == before)
    #expect(try await site.run(.remove).hasChanges == false)
  }

  @Test("The plan of a removal names what the removal takes back, each once")
  func removalPlan() async throws {
    let site = try await SetupSite()
    let made = Set(try await site.run(.plan).parts.flatMap(\.plan.changes).map(\.words))
    try await site.apply()
    let planned = try await site.run(.remove, ["dry_run": true]).parts.flatMap(\.plan.changes).map(\.words)
    #expect(planned.count == Set(planned).count)
    #expect(Set(planned) == made)
    #expect(planned.last == "role \(site.quotedRole)")
  }

  @Test("The script for psql does what apply does, twice over", arguments: [true, false])
  func psqlScript(isSuper: Bool) async throws {
    let site = try await SetupSite(isSuper: isSuper)
    let before = try await site.definitions()
    let script = SetupJob.script(try site.request(.sql))
    for _ in 0..<2 {
      let result = try await site.server.psql(
        site.database, as: isSuper ? site.server.superuser : site.admin, script)
      #expect(result.status == 0, "\(result.errors)")
      #expect(try await site.run(.plan).hasChanges == false)
    }
    let byScript = try await site.definitions()
    #expect(try await site.run(.remove).status == .ok)
    #expect(try await site.definitions() == before)
    try await site.apply()
    #expect(try await site.definitions() == byScript)
  }

  @Test(
    "One part after the other can be applied and removed", arguments: ["backup", "restore", "restore-log", "drill"])
  func onePart(part: String) async throws {
    let site = try await SetupSite()
    try await site.apply(["part": "roles"])
    let rights =
      "SELECT count(*) FROM pg_namespace, aclexplode(nspacl) a, pg_roles r WHERE r.oid = a.grantee AND r.rolname LIKE 'Slu%\(site.mark)%'"
    #expect(try await site.psql(rights) == "0")
    try await site.apply(["part": .string(part)])
    #expect(try await site.run(.plan, ["part": .string(part)]).hasChanges == false)
    #expect(try await site.run(.plan, ["part": "roles"]).hasChanges == false)
    #expect(try await site.run(.remove, ["part": .string(part)]).status == .ok)
    #expect(try await site.psql(rights) == "0")
    #expect(try await site.psql("SELECT string_agg(part, ',') FROM sluice.schema_version") == "roles")
  }

  @Test("What two parts need stays until the last of them is removed")
  func shared() async throws {
    let site = try await SetupSite()
    try await site.apply(["for": .array(["backup", "restore"])])
    #expect(try await site.run(.remove, ["part": "backup"]).status == .ok)
    #expect(try await site.asRole("SELECT count(*) FROM events.clicks").output == "3\n")
    #expect(try await site.run(.plan, ["part": .array(["roles", "restore"])]).hasChanges == false)
    #expect(try await site.run(.remove, ["part": "restore"]).status == .ok)
    #expect(try await site.asRole("SELECT count(*) FROM events.clicks").status != 0)
  }

  @Test("What was there before the setup stays when it is removed")
  func othersStay() async throws {
    let site = try await SetupSite()
    try await site.fixture.server.psql(
      site.database,
      "CREATE ROLE \(site.quotedRole) LOGIN; GRANT USAGE ON SCHEMA events TO \(site.quotedRole); "
        + "GRANT SELECT ON events.clicks TO \(site.quotedRole); GRANT pg_monitor TO \(site.quotedRole)")
    let before = try await site.definitions()
    let plan = try await site.run(.plan, ["grant_role": "pg_monitor"])
    #expect(plan.parts[0].plan.changes.isEmpty && plan.parts[0].plan.changesNote)
    try await site.apply(["grant_role": "pg_monitor"])
    #expect(try await site.run(.remove).status == .ok)
    #expect(try await site.definitions() == before)
  }

  @Test("What is not asked for any more is superfluous, and is taken back; a grant by hand is not")
  func superfluous() async throws {
    let site = try await SetupSite()
    try await site.apply()
    _ = try await site.psql("GRANT UPDATE ON events.clicks TO \(site.quotedRole)")
    let less: [String: JSONValue] = ["schemas": "events"]
    let plan = try await site.run(.plan, less)
    let changes = plan.parts.flatMap(\.plan.changes)
    #expect(!changes.isEmpty && changes.allSatisfy { $0.state == .superfluous && $0.schema == "Me.tr\"ics" })
    try await site.apply(less)
    let again = try await site.run(.plan, less)
    #expect(!again.hasChanges, "\(again.parts.map(\.plan))")
    #expect(try await site.asRole("SELECT has_schema_privilege('Me.tr\"ics', 'USAGE')").output == "f\n")
    #expect(try await site.asRole("SELECT has_table_privilege('events.clicks', 'UPDATE')").output == "t\n")
  }

  @Test("A role whose rights come from another one gets no grants of its own")
  func grantedRole() async throws {
    let site = try await SetupSite(isSuper: true)
    let report = try await site.run(.plan, ["grant_role": "pg_read_all_data", "for": "backup"])
    #expect(report.parts.map(\.plan.changes.count) == [2, 0])
    try await site.apply(["grant_role": "pg_read_all_data", "for": "backup"])
    #expect(try await site.asRole("SELECT count(*) FROM events.clicks").output == "3\n")
    let missing = try await site.run(.plan, ["grant_role": "no such role"])
    #expect(missing.parts[0].plan.conflicts.map(\.note) == ["there is no role \"no such role\" that could be granted"])
  }

  @Test("A session that ends in the middle of a part leaves nothing of it")
  func killed() async throws {
    let site = try await SetupSite()
    try await site.apply(["part": "roles"])
    let before = try await site.definitions()
    // Changes the same row of the catalog as the grant.
    let other = try await site.fixture.otherSession()
    try await other.query("BEGIN")
    try await other.query("GRANT SELECT ON events.clicks TO pg_monitor")
    let job = Task { try await site.run(.apply) }
    try await eventually {
      try await site.psql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == "1"
    }
    _ = try await site.psql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    let report = try await job.value
    #expect(report.parts.map(\.status) == [.unchanged, .failed, .notBegun, .notBegun, .notBegun])
    #expect(report.status == .partial)
    try await other.query("ROLLBACK")
    await other.close()
    #expect(try await site.definitions() == before)
    try await site.apply()
  }

  @Test("Of setups that run at once each part is applied by one of them, and the others say that nothing was to do")
  func atOnce() async throws {
    let site = try await SetupSite()
    try await site.apply(["part": "roles"])
    let reports = try await withThrowingTaskGroup(of: SetupReport.self) { group in
      for _ in 0..<4 { group.addTask { try await site.run(.apply) } }
      return try await group.reduce(into: [SetupReport]()) { $0.append($1) }
    }
    #expect(reports.allSatisfy { $0.status == .ok }, "\(reports.flatMap(\.parts).compactMap(\.error))")
    for part in 1...3 { #expect(reports.count { $0.parts[part].status == .applied } == 1, "\(part)") }
    #expect(try await site.run(.remove).status == .ok)
  }

  /// A part that is a script.
  enum ScriptPart: SetupPart {
    static let name = "script"
    static let version = 1

    static func items(for subject: SetupSubject, password: String) -> String {
      """
      SELECT 1 AS place, 'script' AS kind, 'made' AS schema_name, '' AS object_name, '' AS privilege, '' AS for_role, '' AS owner,
        CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.proname = 'one') THEN 'present' ELSE 'missing' END AS state,
        'CREATE SCHEMA IF NOT EXISTS made; CREATE OR REPLACE FUNCTION made.one() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$; '
        'REVOKE EXECUTE ON FUNCTION made.one() FROM PUBLIC' AS statement, '' AS note
      """
    }

    static func removal(for subject: SetupSubject, forces: Bool) -> String? {
      "DROP FUNCTION made.one(); DROP SCHEMA made"
    }
  }

  @Test("A part that is a script runs once, again for another version, and is removed by its own script")
  func script() async throws {
    let site = try await SetupSite()
    let before = try await site.definitions()
    let connection = try await PostgresConnection.connect(to: site.job.server.target(), password: nil)
    let transaction = SetupTransaction(
      ScriptPart.self, for: SetupSubject(role: site.role), programVersion: Program.version)
    func apply() async throws -> Bool {
      try await transaction.apply(
        password: nil, on: connection, decide: { SetupPlan.Part($0).hasChanges },
        check: { try SetupPlan.Part($0).refuseRest() }) != nil
    }
    #expect(try await apply())
    #expect(try await !apply())
    #expect(try await site.psql("SELECT made.one()") == "1")
    _ = try await site.psql(
      "UPDATE sluice.schema_version SET version = 0; CREATE OR REPLACE FUNCTION made.one() RETURNS int LANGUAGE sql AS 'SELECT 2'"
    )
    #expect(try await apply())
    #expect(try await site.psql("SELECT made.one()") == "1")
    #expect(try await site.psql("SELECT version FROM sluice.schema_version") == "1")
    let removed = try await transaction.remove(forces: false, on: connection) { facts, _ in
      SetupPlan.Part(removing: facts).changes.count == 1
    }
    #expect(removed != nil)
    #expect(try await site.definitions() == before)
    await connection.close()
  }
}
