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
    if try await fixture.psql("SELECT to_regclass('sluice.restore_log') IS NULL") == "t" {
      #expect(try await restore(fixture, request(key: "again")).rowsLoaded == 3)
      try await fixture.psql("GRANT ALL ON sluice.restore_log TO plain")
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
}
