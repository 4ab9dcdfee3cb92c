import Database
import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

/// What a restore refuses before its first change, its preview tells before it.
@Suite("Previews tell what the restore refuses")
struct PreviewRefusalTests {
  static let day = "\"table\": \"events.clicks\", \"date\": \"2024-01-01\""

  static func replace(_ more: String = "") -> String {
    "\(day), \"destination\": {\"on_existing\": \"replace\"\(more)}"
  }

  /// A restore that is refused.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let code: JobErrorCode
    /// Runs after the day was archived.
    let sql: String
    let members: String
    /// The role `plain` restores, with what `sql` has granted to it.
    var isPlain = false
    /// The privilege that the preview names, and what its remedy holds.
    var privilege: (name: String, remedy: String)?

    var testDescription: String { name }
  }

  static let grants = "GRANT USAGE ON SCHEMA events TO plain; GRANT SELECT, INSERT, DELETE ON events.clicks TO plain;"
  static let emptied = "DELETE FROM events.clicks WHERE id < 4;"

  static let cases = [
    Case(
      name: "hold", code: .holdNotKept, sql: grants + emptied, members: "\(day), \"keep_until\": \"2999-01-01\"",
      isPlain: true, privilege: ("use", "CREATE TABLE IF NOT EXISTS sluice.hold")),
    Case(
      name: "log", code: .restoreLogNeeded, sql: grants,
      members: "\(day), \"destination\": {\"on_existing\": \"append\"}, \"key\": \"one\"", isPlain: true,
      privilege: ("use", "sluice.restore_log")),
    Case(
      name: "foreign keys", code: .deleteCascades,
      sql: "ALTER TABLE events.clicks ADD PRIMARY KEY (id); "
        + "CREATE TABLE public.notes (click int CONSTRAINT of_click REFERENCES events.clicks ON DELETE CASCADE);",
      members: replace()),
    Case(
      name: "rules on DELETE", code: .deleteCascades,
      sql: "CREATE RULE also AS ON DELETE TO events.clicks DO ALSO NOTIFY deleted", members: replace()),
    Case(
      name: "values that the file lacks", code: .archiveDiffers,
      sql: "ALTER TABLE events.clicks ADD more text; UPDATE events.clicks SET more = 'x' WHERE id = 2",
      members: replace()),
    Case(
      name: "fewer rows", code: .fewerRows,
      sql: "INSERT INTO events.clicks VALUES (6, '2024-01-01 13:00+00', 'late')", members: replace()),
    Case(
      name: "child tables", code: .childTables,
      sql: "CREATE TABLE events.child () INHERITS (events.clicks); "
        + "INSERT INTO events.child VALUES (6, '2024-01-01 13:00+00', 'child')", members: replace(", \"force\": true")),
    Case(
      name: "rules on INSERT", code: .insertRule,
      sql: emptied + "CREATE RULE instead AS ON INSERT TO events.clicks DO INSTEAD NOTHING",
      members: "\(day), \"destination\": {\"mode\": \"staging\"}"),
    Case(
      name: "deferrable keys", code: .deferrableKey,
      sql: emptied + "ALTER TABLE events.clicks ADD UNIQUE (id) DEFERRABLE",
      members: "\(day), \"destination\": {\"mode\": \"staging\"}"),
    Case(
      name: "no place for a staging table", code: .permissionDenied,
      sql: grants + emptied + "REVOKE TEMPORARY ON DATABASE \"DATABASE\" FROM PUBLIC",
      members: "\(day), \"destination\": {\"mode\": \"staging\"}", isPlain: true,
      privilege: ("TEMPORARY", "GRANT TEMPORARY ON DATABASE")),
    Case(
      name: "another table's types", code: .tableNotFound, sql: emptied,
      members: "\(day), \"destination\": {\"mode\": \"staging\", \"create_staging_like\": \"events.other\"}"),
    Case(
      name: "row security, append", code: .permissionDenied,
      sql: grants + "ALTER TABLE events.clicks ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON events.clicks USING (true)",
      members: "\(day), \"destination\": {\"on_existing\": \"append\"}", isPlain: true),
    Case(
      name: "row security, replace", code: .permissionDenied,
      sql: grants + "ALTER TABLE events.clicks ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON events.clicks USING (true)",
      members: replace(), isPlain: true),
    Case(
      name: "DELETE", code: .permissionDenied, sql: grants + "REVOKE DELETE ON events.clicks FROM plain",
      members: replace(), isPlain: true, privilege: ("DELETE", "GRANT DELETE ON events.clicks TO plain")),
    Case(
      name: "SELECT", code: .permissionDenied, sql: grants + "REVOKE SELECT ON events.clicks FROM plain",
      members: replace(), isPlain: true, privilege: ("SELECT", "GRANT SELECT ON events.clicks TO plain")),
    Case(
      name: "INSERT", code: .permissionDenied, sql: grants + "REVOKE INSERT ON events.clicks FROM plain",
      members: replace(), isPlain: true, privilege: ("INSERT", "GRANT INSERT ON events.clicks TO plain")),
    Case(
      name: "an aggregate of no hypertable", code: .aggregateNotFound, sql: emptied,
      members: "\(day), \"timescaledb\": {\"refresh_caggs\": [\"events.hourly\"]}"),
    Case(
      name: "the schema of a missing table", code: .tableNotMade, sql: "",
      members: "\(day), \"destination\": {\"create_table\": true, \"target_table\": \"nowhere.clicks\"}"),
    Case(
      name: "CREATE for a missing table", code: .permissionDenied, sql: grants + "DROP TABLE events.clicks",
      members: "\(day), \"destination\": {\"create_table\": true}", isPlain: true,
      privilege: ("CREATE", "GRANT CREATE ON SCHEMA events TO plain")),
    Case(
      name: "a part of rows without a time", code: .badTimeColumn, sql: emptied,
      members: "\(day), \"destination\": {\"on_existing\": \"append\"}, \"copy\": {\"ignore\": [\"at\"]}, "
        + "\"where\": {\"from\": \"2024-01-01T10:00Z\", \"to\": \"2024-01-01T12:00Z\"}"),
  ]

  /// Jobs of the role `plain` on the same database.
  static func plain(_ fixture: Fixture) -> Fixture {
    let pools = ConnectionPools(passwords: FixedPassword(Secret(fixture.server.plainPassword)), maximum: 4)
    return Fixture(fixture, pools: pools) { $0.server.user = "plain" }
  }

  /// Previews and restores; both must tell the same refusal.
  /// - Returns: the preview.
  @discardableResult
  static func expectRefused(
    _ members: String, _ code: JobErrorCode, by fixture: Fixture
  ) async throws -> RestorePreview {
    let preview = try #require(try await fixture.previews(members).first)
    #expect(preview.outcome == .refuse)
    let error = try await fixture.restoreError(members)
    #expect(error.code == code)
    #expect(preview.problems.first?.code == code)
    #expect(preview.problems.first?.message == error.message)
    #expect(preview.problems.first?.field == error.field)
    return preview
  }

  @Test("A refusal that the catalog and the manifest tell is in the preview", arguments: cases)
  func refusal(refused: Case) async throws {
    let owner = try await Fixture(settings: ["BACKUP_TABLES": "events.clicks:at"])
    _ = try await owner.backupOne()
    try await owner.psql(refused.sql.replacing("DATABASE\"", with: "\(owner.database)\""))
    let fixture = refused.isPlain ? Self.plain(owner) : owner
    let preview = try await Self.expectRefused(refused.members, refused.code, by: fixture)
    if let privilege = refused.privilege {
      let missing = preview.privilegesMissing.first { $0.privilege == privilege.name }
      #expect(missing?.remedy.contains(privilege.remedy) == true, "\(preview.privilegesMissing)")
    }
    #expect(try await owner.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'sluice'") == "0")
    if refused.isPlain { await fixture.pools.close() }
    await owner.pools.close()
  }
}
