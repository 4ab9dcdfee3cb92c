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
      sql: grants
        + "ALTER TABLE events.clicks ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON events.clicks USING (true)",
      members: "\(day), \"destination\": {\"on_existing\": \"append\"}", isPlain: true),
    Case(
      name: "row security, replace", code: .permissionDenied,
      sql: grants
        + "ALTER TABLE events.clicks ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON events.clicks USING (true)",
      members: replace(), isPlain: true),
    Case(
      name: "DELETE", code: .permissionDenied, sql: grants + "REVOKE DELETE ON events.clicks FROM plain",
      members: replace(), isPlain: true, privilege: ("DELETE", "GRANT DELETE ON ")),
    Case(
      name: "SELECT", code: .permissionDenied, sql: grants + "REVOKE SELECT ON events.clicks FROM plain",
      members: replace(), isPlain: true, privilege: ("SELECT", "GRANT SELECT ON ")),
    Case(
      name: "INSERT alone", code: .permissionDenied, sql: grants + "REVOKE SELECT, DELETE ON events.clicks FROM plain",
      members: replace(), isPlain: true, privilege: ("SELECT", "GRANT SELECT ON ")),
    Case(
      name: "SELECT of a column that the file lacks", code: .permissionDenied,
      sql: "ALTER TABLE events.clicks ADD more text;" + grants
        + "REVOKE SELECT ON events.clicks FROM plain; GRANT SELECT (at) ON events.clicks TO plain",
      members: replace(), isPlain: true, privilege: ("SELECT", "GRANT SELECT ON ")),
    Case(
      name: "SELECT where a table inherits", code: .permissionDenied,
      sql: "CREATE TABLE events.child () INHERITS (events.clicks);" + grants
        + "REVOKE SELECT ON events.clicks FROM plain; GRANT SELECT (at) ON events.clicks TO plain",
      members: replace(), isPlain: true, privilege: ("SELECT", "GRANT SELECT ON ")),
    Case(
      name: "INSERT", code: .permissionDenied, sql: grants + "REVOKE INSERT ON events.clicks FROM plain",
      members: replace(), isPlain: true, privilege: ("INSERT", "GRANT INSERT ON ")),
    Case(
      name: "an aggregate of no hypertable", code: .aggregateNotFound, sql: emptied,
      members: "\(day), \"timescaledb\": {\"refresh_caggs\": [\"events.hourly\"]}"),
    Case(
      name: "the schema of a missing table", code: .tableNotMade, sql: "",
      members: "\(day), \"destination\": {\"create_table\": true, \"target_table\": \"nowhere.clicks\"}"),
    Case(
      name: "CREATE for a missing table", code: .permissionDenied, sql: grants + "DROP TABLE events.clicks",
      members: "\(day), \"destination\": {\"create_table\": true}", isPlain: true,
      privilege: ("CREATE", "GRANT CREATE ON SCHEMA ")),
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
    #expect(!preview.problems.contains { $0.code == .databaseError }, "\(preview.problems)")
    if let privilege = refused.privilege {
      let missing = preview.privilegesMissing.first { $0.privilege == privilege.name }
      #expect(missing?.remedy.contains(privilege.remedy) == true, "\(preview.privilegesMissing)")
    }
    #expect(try await owner.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'sluice'") == "0")
    if refused.isPlain { await fixture.pools.close() }
    await owner.pools.close()
  }

  @Test("A second attempt of a request that has loaded the archive is told as skipped")
  func loaded() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    let members = "\(Self.day), \"destination\": {\"on_existing\": \"append\"}, \"key\": \"one\""
    #expect(try await fixture.previews(members).first?.outcome == .load)
    #expect(try await fixture.restoreOne(members).rowsLoaded == 3)
    let again = try #require(try await fixture.previews(members).first)
    #expect(again.outcome == .skip)
    #expect(again.warnings.contains { $0.contains("an earlier attempt of this request loaded the archive's 3 rows") })
    #expect(try await fixture.restoreOne(members).status == .skipped)
    // Another version of the file.
    try await fixture.psql("INSERT INTO events.clicks VALUES (6, '2024-01-01 13:00+00', 'late')")
    let backup = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true"
    #expect(try await fixture.backupOne(backup).status == .ok)
    try await Self.expectRefused(members, .archiveReplaced, by: fixture)
    await fixture.pools.close()
  }

  @Test("A queue message with append that can leave no mark is refused in its preview")
  func message() async throws {
    let owner = try await Fixture()
    _ = try await owner.backupOne()
    try await owner.psql(Self.grants)
    let plain = Self.plain(owner)
    let members = "{\(Self.day), \"destination\": {\"on_existing\": \"append\"}, \"key\": \"message\"}"
    var request = try RestoreRequest(JSONValue(json: Data(members.utf8)))
    request.isRetried = true
    let preview = try #require(try await plain.restoreJob().preview(request).results.first)
    #expect(preview.problems.map(\.code) == [.restoreLogNeeded])
    let retried = request
    let error = await #expect(throws: JobError.self) { _ = try await plain.restoreJob().run(retried) }
    #expect(error?.code == .restoreLogNeeded)
    await plain.pools.close()
    await owner.pools.close()
  }

  @Test("A preview tells triggers on DELETE, and those that may drop rows, as warnings")
  func triggers() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try await fixture.psql(
      """
      CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN COALESCE(NEW, OLD); END $$;
      CREATE TRIGGER passing BEFORE INSERT OR DELETE ON events.clicks FOR EACH ROW EXECUTE FUNCTION pass();
      """)
    let preview = try #require(try await fixture.previews(Self.replace()).first)
    #expect(preview.outcome == .load)
    #expect(
      preview.warnings.contains { $0.contains("DELETE triggers, which would run for the replaced rows: passing") })
    #expect(preview.warnings.contains { $0.contains("may drop rows") })
    #expect(try await fixture.restoreOne(Self.replace()).rowsLoaded == 3)
    await fixture.pools.close()
  }

  @Test(
    "A retention job that the role may not pause is told before",
    .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
  func job() async throws {
    let owner = try await HoldTests.withRetention()
    try await owner.psql(Self.grants + "GRANT CREATE ON DATABASE \"\(owner.database)\" TO plain")
    let plain = Self.plain(owner)
    let members = "\(HoldTests.day), \"keep_until\": \"2999-01-01\", \"pause_jobs\": true"
    let preview = try await Self.expectRefused(members, .permissionDenied, by: plain)
    let missing = preview.privilegesMissing.first { $0.on.hasPrefix("job ") }
    #expect(missing?.privilege == "ownership")
    #expect(missing?.remedy.hasPrefix("GRANT ") == true)
    await plain.pools.close()
    await owner.pools.close()
  }

  @Test("A partition that only the owner of the table may attach, and one of another column, are told before")
  func partition() async throws {
    let owner = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at timestamptz, seen timestamptz) PARTITION BY RANGE (at);
      CREATE TABLE events.clicks_p20240101 PARTITION OF events.clicks FOR VALUES FROM ('2024-01-01+00') TO ('2024-01-02+00');
      CREATE TABLE events.clicks_p20240102 PARTITION OF events.clicks FOR VALUES FROM ('2024-01-02+00') TO ('2024-01-03+00');
      INSERT INTO events.clicks VALUES (1, '2024-01-01 10:00+00', '2024-01-01 10:00+00');
      """)
    _ = try await owner.backupOne()
    try await owner.psql("DROP TABLE events.clicks_p20240101;" + Self.grants)
    let plain = Self.plain(owner)
    let create = "\(Self.day), \"destination\": {\"create_partition\": true}"
    let preview = try await Self.expectRefused(create, .permissionDenied, by: plain)
    #expect(preview.privilegesMissing.contains { $0.privilege == "ownership" })
    try await Self.expectRefused(Self.day, .noPartition, by: plain)
    _ = try await owner.backup("\"table\": \"events.clicks:seen\", \"date\": \"2024-01-02\", \"empty\": \"archive\"")
    try await Self.expectRefused(
      create.replacing("2024-01-01", with: "2024-01-02"), .partitionNotMade, by: owner)
    await plain.pools.close()
    await owner.pools.close()
  }
}
