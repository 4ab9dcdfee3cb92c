import Database
import Essentials
import Postgres
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

@Suite("What a setup refuses")
struct SetupRefusalTests {
  @Test("An administrator who may not grant is told the statement, and nothing of the part is changed")
  func noRight() async throws {
    let site = try await SetupSite()
    try await site.apply(["part": "roles"])
    _ = try await site.psql("CREATE TABLE events.foreign_ (at timestamptz)")
    let before = try await site.definitions()
    let report = try await site.run(.apply)
    #expect(report.parts.map(\.status) == [.unchanged, .failed, .notBegun, .notBegun, .notBegun])
    let error = report.parts[1].error
    #expect(error?.code == .permissionDenied, "\(error as Any)")
    #expect(error?.message.contains("Nothing of the part was changed") == true)
    #expect(try await site.definitions() == before)
    // The same as a script.
    let script = try await site.server.psql(site.database, as: site.admin, SetupJob.script(site.request(.sql)))
    #expect(script.status != 0 && script.errors.contains("permission denied"), "\(script.errors)")
    #expect(try await site.definitions() == before)
  }

  @Test("An administrator who has a part of the rights to grant, which is a warning of the server's, is told so")
  func grantOption() async throws {
    let site = try await SetupSite()
    try await site.apply(["part": "roles"])
    _ = try await site.psql(
      "CREATE SCHEMA other; GRANT USAGE ON SCHEMA other TO \(SetupSite.quoted(site.admin)); CREATE TABLE other.t (); "
        + "GRANT INSERT ON other.t TO \(SetupSite.quoted(site.admin)) WITH GRANT OPTION; "
        + "GRANT USAGE ON SCHEMA other TO PUBLIC")
    let report = try await site.run(.apply, ["part": "backup", "schemas": "other"])
    #expect(report.parts[0].error?.code == .permissionDenied)
    #expect(try await site.psql("SELECT count(*) FROM sluice.schema_version WHERE part = 'backup'") == "0")
  }

  @Test("An administrator who does not own the database, nor inherits from its owner, is told who does")
  func noOwner() async throws {
    let site = try await SetupSite()
    _ = try await site.psql("ALTER DATABASE \"\(site.database)\" OWNER TO postgres")
    let before = try await site.definitions()
    let report = try await site.run(.apply)
    #expect(report.parts[0].error?.code == .permissionDenied)
    #expect(report.parts[0].error?.message.contains("the owner of the database, postgres") == true)
    #expect(try await site.definitions() == before)
  }

  @Test("A schema that is not there is a conflict")
  func noSchema() async throws {
    let site = try await SetupSite()
    let plan = try await site.run(.plan, ["schemas": "Absent", "for": "backup"])
    #expect(plan.parts[1].plan.conflicts.map(\.note) == ["there is no schema \"Absent\""])
    let report = try await site.run(.apply, ["schemas": "Absent", "for": "backup"])
    #expect(report.status == .partial)
    #expect(report.parts[1].error?.code == .setupRefused)
    #expect(report.parts[1].error?.details["conflicts"] == ["USAGE on schema \"Absent\""])
  }

  @Test("Tables with rows are dropped only by force, and a role that something depends on stays")
  func rows() async throws {
    let site = try await SetupSite()
    let before = try await site.definitions()
    try await site.apply()
    _ = try await site.psql(
      "INSERT INTO sluice.hold VALUES ('l', 's', 't', 'k', 'a', 'b', now(), '{}')")
    let report = try await site.run(.remove)
    #expect(report.status == .partial)
    #expect(report.parts.map(\.status) == [.unchanged, .unchanged, .removed, .failed, .removed, .removed, .failed])
    #expect(report.parts[3].error?.code == .setupRefused)
    #expect(report.parts[3].error?.message.hasPrefix("sluice.hold has rows") == true)
    #expect(report.parts[6].error?.code == .setupRefused)
    #expect(try await site.psql("SELECT count(*) FROM sluice.hold") == "1")
    #expect(try await site.run(.remove, ["force": true]).status == .ok)
    #expect(try await site.definitions() == before)
  }

  @Test("A role that was there before the setup is never dropped, nor one of the same name that came later")
  func roleOfOthers() async throws {
    let site = try await SetupSite()
    _ = try await site.psql("SET ROLE \(SetupSite.quoted(site.admin)); CREATE ROLE \(site.quotedRole) NOLOGIN")
    // A setting by which the setup knows that it has made a principal.
    _ = try await site.psql("ALTER DATABASE \"\(site.database)\" SET sluice.role_made = 'true'")
    let plan = try await site.run(.plan)
    #expect(plan.parts[0].plan.changes.map(\.state) == [.different])
    try await site.apply()
    #expect(try await site.run(.remove).status == .ok)
    #expect(try await site.psql("SELECT count(*) FROM pg_roles WHERE rolname LIKE '%\(site.mark)%'") == "3")
  }

  /// What another role may have left in the schema `sluice` before the setup.
  static let traps = [
    "CREATE TABLE sluice.setup_item (part text, role text, kind text, schema_name text, object_name text, privilege text, "
      + "for_role text, made bool)",
    "CREATE TABLE sluice.schema_version (part text, role text, version int, applied_at timestamptz, applied_by text, "
      + "program_version text DEFAULT 'x'::text)",
  ]

  @Test("Tables in which another role could have left code are not written to", arguments: traps)
  func trap(_ table: String) async throws {
    let site = try await SetupSite(isSuper: true)
    let stranger = "stranger.\(site.mark)"
    let name = table.contains("setup_item") ? "setup_item" : "schema_version"
    _ = try await site.psql(
      """
      CREATE ROLE \(SetupSite.quoted(stranger)); CREATE SCHEMA sluice; GRANT ALL ON SCHEMA sluice TO \(SetupSite.quoted(stranger));
      SET ROLE \(SetupSite.quoted(stranger));
      \(table);
      CREATE FUNCTION sluice.trap() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN EXECUTE 'ALTER ROLE \(SetupSite.quoted(stranger)) SUPERUSER'; RETURN NEW; END $$;
      CREATE TRIGGER trap BEFORE INSERT ON sluice.\(name) FOR EACH ROW EXECUTE FUNCTION sluice.trap();
      """)
    for action in [SetupRequest.Action.apply, .apply] {
      let report = try await site.run(action)
      #expect(report.parts[0].error?.code == .setupRefused, "\(report.parts)")
    }
    let script = try await site.server.psql(site.database, as: "postgres", SetupJob.script(site.request(.sql)))
    #expect(script.status != 0)
    #expect(try await site.psql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'stranger%' AND rolsuper") == "0")
    #expect(try await site.psql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'Slu%\(site.mark)%'") == "0")
  }

  @Test("Notes of the database's owner run no SQL of his when they are taken back")
  func forgedNotes() async throws {
    let site = try await SetupSite(isSuper: true)
    try await site.apply()
    _ = try await site.psql(
      """
      SET ROLE \(SetupSite.quoted(site.admin));
      UPDATE sluice.setup_item SET privilege = 'SELECT ON events.clicks TO PUBLIC; ALTER ROLE \(SetupSite.quoted(site.admin)) SUPERUSER; --'
      WHERE kind = 'relation' AND privilege = 'SELECT' AND schema_name = 'events';
      INSERT INTO sluice.setup_item VALUES ('roles', \(site.literalRole), 'role', '', 'postgres', '', '', true),
        ('restore-log', \(site.literalRole), 'table', 'events', 'clicks', '', '', true);
      """)
    _ = try await site.run(.remove)
    #expect(try await site.psql("SELECT rolsuper FROM pg_roles WHERE rolname = '\(site.admin)'") == "f")
    #expect(try await site.psql("SELECT count(*) FROM events.clicks") == "3")
    #expect(
      try await site.psql("SELECT relacl::text LIKE '%{=%' FROM pg_class WHERE oid = 'events.clicks'::regclass") == "f")
  }

  @Test(
    "A table of marks with the code of another role, and one that the program would not use, is a conflict",
    arguments: [
      "ALTER SCHEMA sluice OWNER TO plain",
      "ALTER TABLE sluice.restore_log OWNER TO plain",
      "CREATE TRIGGER t BEFORE INSERT ON sluice.hold FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ])
  func restoreLogOfOthers(change: String) async throws {
    let site = try await SetupSite(isSuper: true)
    try await site.apply()
    _ = try await site.psql(change)
    let plan = try await site.run(.plan, ["part": "restore-log"])
    #expect(!plan.parts[0].plan.conflicts.isEmpty)
    let isSchema = change.contains("SCHEMA")
    #expect(plan.warnings.isEmpty != isSchema, "the notes of the setup are in that schema")
    if isSchema {
      let error = await #expect(throws: JobError.self) { _ = try await site.run(.remove) }
      #expect(error?.code == .setupRefused)
    }
    let report = try await site.run(.apply, ["part": "restore-log"])
    #expect(report.parts[0].error?.code == .setupRefused, "\(report.parts)")
  }

  @Test("A table of marks of an earlier version gets the columns that it lacks")
  func earlierVersion() async throws {
    let site = try await SetupSite()
    try await site.apply()
    _ = try await site.psql("ALTER TABLE sluice.restore_log DROP owed; ALTER TABLE sluice.hold DROP table_oid")
    let plan = try await site.run(.plan)
    #expect(plan.parts.flatMap(\.plan.changes).map(\.state) == [.different, .different])
    try await site.apply()
    #expect(try await site.run(.plan).hasChanges == false)
  }
}
