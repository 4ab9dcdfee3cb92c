import Postgres
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

/// Logs that could have the code of another role run.
extension RestoreLogTests {
  @Test(
    "A log, or a schema of it, that another role owns is not used, also where this role inherits that role's rights",
    arguments: ["SCHEMA sluice", "TABLE sluice.restore_log"])
  func memberOfOwner(what: String) async throws {
    let fixture = try await archived()
    #expect(try await restore(fixture, request(key: "first")).rowsLoaded == 3)
    try await fixture.psql(
      """
      DO $$ BEGIN CREATE ROLE log_owner; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT log_owner TO plain;
      GRANT USAGE ON SCHEMA events, sluice TO plain; GRANT ALL ON events.clicks, sluice.restore_log TO plain;
      ALTER \(what) OWNER TO log_owner;
      """)
    let plain = Fixture.plain(of: fixture, fixture.server)
    let error = await #expect(throws: JobError.self) { _ = try await restore(plain, request()) }
    #expect(error?.code == .restoreLogNeeded)
    #expect(error?.message.contains("belongs to log_owner") == true, "\(error as Any)")
    // The answer's own statements make it usable.
    try await fixture.psql("\(try #require(error?.message.split(separator: "run: ").last))")
    #expect(error?.message.contains("DROP TABLE") == false)
    if try await fixture.psql("SELECT to_regclass('sluice.restore_log') IS NULL") == "t" {
      #expect(try await restore(fixture, request(key: "again")).rowsLoaded == 3)
      try await fixture.psql("GRANT USAGE ON SCHEMA sluice TO plain; GRANT ALL ON sluice.restore_log TO plain")
    }
    #expect(try await restore(plain, request()).rowsLoaded == 3)
    await plain.pools.close()
  }

  @Test(
    "A log in which a former owner has left code is not used",
    arguments: [
      "ALTER TABLE sluice.restore_log ADD CHECK (events.spy())",
      "CREATE INDEX ON sluice.restore_log (events.spy(rows))",
      "ALTER TABLE sluice.restore_log ADD more bool DEFAULT events.spy()",
      "ALTER TABLE sluice.restore_log ALTER owed SET DEFAULT to_jsonb(events.spy())",
      // Functions that PostgreSQL brings can run a text.
      "ALTER TABLE sluice.restore_log ALTER key SET DEFAULT query_to_xml('SELECT events.spy()', true, true, '')::text",
      "ALTER TABLE sluice.restore_log ADD more text",
      "ALTER TABLE sluice.restore_log ADD CONSTRAINT key UNIQUE (key); "
        + "CREATE TABLE events.noted (key text REFERENCES sluice.restore_log (key) ON DELETE CASCADE)",
      "CREATE TRIGGER noted BEFORE INSERT ON sluice.restore_log FOR EACH ROW WHEN (events.spy()) "
        + "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ])
  func codeLeft(change: String) async throws {
    let fixture = try await archived()
    #expect(try await restore(fixture, request(key: "first")).rowsLoaded == 3)
    try await fixture.psql(
      """
      CREATE FUNCTION events.spy() RETURNS bool LANGUAGE sql AS 'SELECT true';
      CREATE FUNCTION events.spy(n int8) RETURNS int8 LANGUAGE sql IMMUTABLE AS 'SELECT n';
      \(change);
      """)
    let error = await #expect(throws: JobError.self) { _ = try await restore(fixture, request()) }
    #expect(error?.code == .restoreLogNeeded)
  }

  @Test(
    "A table of holds in which a former owner has left code is not used",
    arguments: [
      "CREATE TRIGGER noted BEFORE INSERT ON sluice.hold FOR EACH ROW WHEN (events.spy()) "
        + "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
      "ALTER TABLE sluice.hold ALTER ended_at SET DEFAULT query_to_xml('SELECT 1', true, true, '')::text::timestamptz",
    ])
  func codeLeftInHolds(change: String) async throws {
    let fixture = try await archived()
    let hold = "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"keep_until\": \"2999-01-01\""
    #expect(try await fixture.restoreOne(hold).status == .ok)
    try await fixture.psql(
      "CREATE FUNCTION events.spy() RETURNS bool LANGUAGE sql AS 'SELECT true'; DELETE FROM events.clicks; \(change)")
    #expect(try await fixture.restoreError(hold).code == .holdNotKept)
    #expect(try await fixture.count() == 0)
  }

  static let trigger =
    "CREATE TRIGGER noted BEFORE UPDATE ON sluice.TABLE FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"

  @Test(
    "A table that gets a trigger during the load is not written to, and nothing is loaded",
    arguments: [("restore_log", JobErrorCode.restoreLogNeeded), ("hold", .holdNotKept)])
  func triggerMeanwhile(table: String, code: JobErrorCode) async throws {
    let fixture = try await archived()
    let members =
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"keep_until\": \"2999-01-01\", "
      + "\"destination\": {\"on_existing\": \"append\"}, \"key\": "
    #expect(try await fixture.restoreOne(members + "\"first\"").rowsLoaded == 3)
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    try await other.query("LOCK TABLE events.clicks IN ACCESS EXCLUSIVE MODE")
    let job = Task { try await fixture.restoreError(members + "\"second\"") }
    try await fixture.waitUntilBlocked()
    try await fixture.psql(Self.trigger.replacing("TABLE", with: table))
    try await other.query("COMMIT")
    await other.close()
    let error = try await job.value
    #expect(error.code == code, "\(error)")
    #expect(error.message.contains("changed during the load") && error.message.contains("RENAME TO \(table)_old"))
    #expect(try await fixture.count() == 5)
  }

  @Test(
    "Asked for what is left, a log or a table of holds that is not used is an error with the statement that helps",
    arguments: [("restore_log", JobErrorCode.restoreLogNeeded), ("hold", .holdNotKept)])
  func resumeUntrusted(table: String, code: JobErrorCode) async throws {
    let fixture = try await archived()
    let members =
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"keep_until\": \"2999-01-01\", "
      + "\"destination\": {\"on_existing\": \"append\"}, \"key\": \"first\""
    #expect(try await fixture.restoreOne(members).rowsLoaded == 3)
    #expect(try await fixture.restoreJob().resume(load: nil).results.isEmpty)
    try await fixture.psql(Self.trigger.replacing("TABLE", with: table))
    let error = await #expect(throws: JobError.self) { _ = try await fixture.restoreJob().resume(load: nil) }
    #expect(error?.code == code)
    // The answer's own statement helps.
    try await fixture.psql("\(try #require(error?.message.split(separator: "run: ").last))")
    #expect(try await fixture.restoreJob().resume(load: nil).results.isEmpty)
    #expect(try await fixture.restoreOne(members.replacing("first", with: "second")).rowsLoaded == 3)
    if table == "restore_log" {
      #expect(
        try await fixture.psql("SELECT count(*) FROM pg_index WHERE indrelid = 'sluice.restore_log'::regclass") == "2")
      try await fixture.psql(Self.trigger.replacing("TABLE", with: table))
      let error = await #expect(throws: JobError.self) { _ = try await fixture.restoreJob().resume(load: "other") }
      #expect(error?.code == code)
    }
  }

  @Test("A role that may create in the schema needs no right to the database")
  func rightToSchema() async throws {
    let fixture = try await archived()
    try await fixture.psql(
      "CREATE SCHEMA sluice; GRANT USAGE ON SCHEMA events TO plain; GRANT USAGE, CREATE ON SCHEMA sluice TO plain; "
        + "GRANT ALL ON events.clicks TO plain")
    let plain = Fixture.plain(of: fixture, fixture.server)
    #expect(try await restore(plain, request()).rowsLoaded == 3)
    #expect(try await restore(plain, request()).status == .skipped)
    await plain.pools.close()
  }

  @Test("A log of an earlier version gets the columns that it lacks")
  func earlierVersion() async throws {
    let fixture = try await archived()
    try await fixture.psql("CREATE SCHEMA sluice; " + Self.table)
    #expect(try await restore(fixture, request()).rowsLoaded == 3)
    #expect(try await fixture.psql("SELECT seconds > 0 FROM sluice.restore_log") == "t")
  }
}
