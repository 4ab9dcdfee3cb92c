import Essentials
import Foundation
import TableDays
import TestSupport
import Testing

@testable import Database
@testable import Jobs

@Suite("Setup of the retention")
struct SetupRetentionTests {
  /// Several roles of a site may use the schema of the retention.
  static func members(
    _ site: SetupSite, role: String? = nil, schemas: String = "events", policiesBy: String? = nil
  ) -> [String: JSONValue] {
    var members: [String: JSONValue] = [
      "part": "retention", "owner": .string(site.owner), "schemas": .string(schemas),
    ]
    if let role { members["role"] = .string(role) }
    if let policiesBy { members["policies_by"] = .string(policiesBy) }
    return members
  }

  /// How many of the schema's routines a role may call.
  static func callable(_ site: SetupSite, _ role: String) async throws -> Int {
    try #require(
      Int(
        try await site.psql(
          "SELECT count(*) FROM pg_proc WHERE pronamespace = 'admin'::regnamespace "
            + "AND has_function_privilege(\(SQL.literal(role)), oid, 'EXECUTE')")))
  }

  @Test("A right that was taken away is missing in the plan, and is given again")
  func revoked() async throws {
    let site = try await SetupSite()
    try await site.apply(["part": "roles"])
    let members = Self.members(site)
    try await site.apply(members)
    #expect(try await site.run(.plan, members).hasChanges == false)
    _ = try await site.psql(
      "REVOKE EXECUTE ON ROUTINE admin.enforce_retention_all() FROM \(site.quotedRole); "
        + "REVOKE UPDATE ON admin.archived_day FROM \(site.quotedRole)")
    let plan = try await site.run(.plan, members)
    #expect(
      plan.parts.flatMap(\.plan.changes).map(\.words) == [
        "UPDATE on table admin.archived_day", "EXECUTE on function admin.enforce_retention_all()",
      ])
    try await site.apply(members)
    #expect(try await site.run(.plan, members).hasChanges == false)
    #expect(try await site.asRole("CALL admin.enforce_retention_all()").status == 0)
  }

  @Test(
    "Default privileges of the owner open nothing of the schema, and what was opened by them is closed where only functions call"
  )
  func defaultPrivileges() async throws {
    let site = try await SetupSite()
    let other = "other.\(site.mark)".inDoubleQuotes
    let owner = site.owner.inDoubleQuotes
    _ = try await site.psql(
      "CREATE ROLE \(other) LOGIN; "
        + ["TABLES", "SEQUENCES", "FUNCTIONS", "SCHEMAS"].map {
          "ALTER DEFAULT PRIVILEGES FOR ROLE \(owner) GRANT ALL ON \($0) TO \(other) WITH GRANT OPTION"
        }.joined(separator: ";"))
    try await site.apply(["part": "roles"])
    try await site.apply(Self.members(site))
    let rights = """
      SELECT count(*) FROM (
        SELECT proacl AS acl FROM pg_proc WHERE pronamespace = 'admin'::regnamespace
        UNION ALL SELECT relacl FROM pg_class WHERE relnamespace = 'admin'::regnamespace
        UNION ALL SELECT nspacl FROM pg_namespace WHERE nspname = 'admin') o, aclexplode(o.acl) a
      WHERE a.grantee = '\(other)'::regrole
      """
    #expect(try await site.psql(rights) == "0")
    #expect(try await site.run(.plan, Self.members(site)).hasChanges == false)
    _ = try await site.psql(
      "GRANT USAGE ON SCHEMA admin TO \(other); GRANT EXECUTE ON FUNCTION admin.verdict(text, text, text) TO \(other) WITH GRANT OPTION; SET ROLE \(other); "
        + "GRANT EXECUTE ON FUNCTION admin.verdict(text, text, text) TO \(site.quotedRole)")
    // Rights that somebody was given by hand stay; of a function that only others of them call it does not.
    _ = try await site.psql(
      "GRANT SELECT ON admin.hold TO \(other); GRANT EXECUTE ON FUNCTION admin.delete_batch(text, text, text, tid[]) TO \(other); "
        + "DELETE FROM admin.allowed_schema")
    try await site.apply(Self.members(site))
    #expect(try await site.psql(rights) == "2")
    #expect(try await site.run(.plan, Self.members(site)).hasChanges == false)
  }

  @Test(
    "Where the tables of restores are made later, the owner is to read their holds: the plan says so, and it is granted"
  )
  func holdsOfRestores() async throws {
    let site = try await SetupSite()
    try await site.apply(["part": "roles"])
    try await site.apply(Self.members(site))
    try await site.apply(["part": "restore-log"])
    let plan = try await site.run(.plan, Self.members(site)).parts.flatMap(\.plan.changes).map(\.words)
    #expect(
      plan
        == ["USAGE on schema sluice", "SELECT on table sluice.hold"].map { "\($0) for \(site.owner.inDoubleQuotes)" })
    try await site.apply(Self.members(site))
    #expect(try await site.run(.plan, Self.members(site)).hasChanges == false)
    #expect(try await site.psql("SELECT has_table_privilege('\(site.owner)', 'sluice.hold', 'SELECT')") == "t")
  }

  @Test("Of two roles each keeps its rights and its schemas, and the last one takes the schema along")
  func twoRoles() async throws {
    let site = try await SetupSite()
    let second = "second.\(site.mark)"
    _ = try await site.psql("CREATE ROLE \(second.inDoubleQuotes) LOGIN")
    try await site.apply(["part": "roles"])
    let (one, other) = (Self.members(site), Self.members(site, role: second, schemas: "\"Me.tr\"\"ics\""))
    try await site.apply(one)
    try await site.apply(other)
    #expect(
      try await site.psql("SELECT string_agg(schema_name, ' ' ORDER BY schema_name) FROM admin.allowed_schema")
        == "Me.tr\"ics events")
    #expect(try await site.run(.plan, one).hasChanges == false)
    let removed = try await site.run(.remove, one)
    #expect(removed.status == .ok, "\(removed.parts.compactMap(\.error))")
    #expect(try await Self.callable(site, site.role) == 0)
    #expect(try await site.asRole("SELECT FROM admin.retention_policy").status != 0)
    #expect(try await Self.callable(site, second) == AdminSchema.callerRoutines.count)
    #expect(try await site.run(.plan, other).hasChanges == false)
    #expect(try await site.run(.remove, other).status == .ok)
    #expect(try await site.psql("SELECT to_regnamespace('admin') IS NULL") == "t")
  }

  @Test("Who sets policies no more loses the right to")
  func policiesBy() async throws {
    let site = try await SetupSite()
    let (first, next, second) = ("first.\(site.mark)", "next.\(site.mark)", "second.\(site.mark)")
    _ = try await site.psql(
      [first, next, second].map { "CREATE ROLE \($0.inDoubleQuotes) LOGIN" }.joined(separator: ";"))
    try await site.apply(["part": "roles"])
    try await site.apply(Self.members(site, policiesBy: first))
    #expect(try await Self.callable(site, first) == 6)
    #expect(
      try await site.server.psql(
        site.database, as: first,
        "SELECT count(*) FROM admin.hold; SELECT admin.set_policy('events.clicks', '30 days', p_time_column => 'at'); "
          + "SELECT admin.remove_policy('events', 'clicks')"
      ).status == 0)
    let changed = Self.members(site, policiesBy: next)
    let plan = try await site.run(.plan, changed).parts.flatMap(\.plan.changes)
    #expect(plan.count { $0.state == .superfluous } == 11, "\(plan.map(\.words))")
    try await site.apply(changed)
    #expect(try await Self.callable(site, first) == 0)
    #expect(try await Self.callable(site, next) == 6)
    #expect(try await site.run(.plan, changed).hasChanges == false)
    // Another role's setup that names it too keeps its rights.
    try await site.apply(Self.members(site, role: second, policiesBy: next))
    #expect(try await site.run(.remove, Self.members(site)).status == .ok)
    #expect(try await Self.callable(site, next) == 6)
    // The log has the policy.
    let last = Self.members(site, role: second).merging(["force": true]) { $1 }
    #expect(try await site.run(.remove, last).status == .ok)
    #expect(try await site.psql("SELECT to_regnamespace('admin') IS NULL") == "t")
  }

  @Test("A role that two setups give the same right keeps it until neither does")
  func sameRight() async throws {
    let site = try await SetupSite()
    let second = "second.\(site.mark)"
    _ = try await site.psql("CREATE ROLE \(second.inDoubleQuotes) LOGIN")
    try await site.apply(["part": "roles"])
    let own = Self.members(site, role: second)
    try await site.apply(Self.members(site, policiesBy: second))
    try await site.apply(own)
    try await site.apply(Self.members(site))
    #expect(try await site.run(.plan, own).hasChanges == false)
    #expect(try await Self.callable(site, second) == AdminSchema.callerRoutines.count)
    // Also where both are one setup's.
    try await site.apply(Self.members(site, role: second, policiesBy: second))
    #expect(
      try await Self.callable(site, second)
        == Set(AdminSchema.callerRoutines + AdminSchema.policyRoutines).count)
    try await site.apply(own)
    #expect(try await Self.callable(site, second) == AdminSchema.callerRoutines.count)
    #expect(try await site.run(.remove, own).status == .ok)
    #expect(try await Self.callable(site, second) == 0)
  }
}
