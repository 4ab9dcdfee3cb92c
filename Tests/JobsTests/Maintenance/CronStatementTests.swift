import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

@Suite("Maintenance tasks as statements for pg_cron")
struct CronStatementTests {
  private func task(_ json: String) throws -> MaintenanceTask {
    try #require(try MaintenanceTask.list(JSONValue(json: Data("{\"tasks\": [{\(json)}]}".utf8))).first)
  }

  /// As pg_cron sends it: one simple query.
  private func send(_ json: String, to fixture: Fixture) async throws {
    try await runChecked(
      "\(PostgresServer.binaries)/psql",
      [
        "-X", "-q", "-h", fixture.server.socketDirectory, "-p", "\(fixture.server.port)", "-U",
        fixture.server.superuser, "-d",
        fixture.database, "-c", try task(json).cronStatement(),
      ])
  }

  @Test("Each kind that pg_cron can run does the same there, sent as one simple query")
  func statements() async throws {
    let fixture = try await Fixture(
      DeletionTests.rows + DuplicateTests.double.replacing("CREATE SCHEMA e;", with: "")
        + DuplicateTests.family.replacing("CREATE SCHEMA e;", with: ""))
    try await send(DeletionTests.plain + #", "batch_rows": 100"#, to: fixture)
    #expect(try await fixture.psql("SELECT count(*), count(at) FROM e.t") == "241|240")
    try await send(DuplicateTests.task("newest", #", "batch_rows": 7"#), to: fixture)
    #expect(try await fixture.psql("SELECT count(*), min(at)::date FROM e.d WHERE a IS NOT NULL") == "100|2024-01-04")
    try await send(DuplicateTests.orphans + #", "grace_column": "at", "grace": "1 day", "batch_rows": 9"#, to: fixture)
    #expect(try await fixture.psql("SELECT count(*) FROM e.c") == "53")
    try await send(DuplicateTests.orphans, to: fixture)
    #expect(try await fixture.psql("SELECT count(*) FROM e.c") == "52")
    try await send(
      #""name": "v", "kind": "vacuum", "tables": ["e.t", "e.c"], "analyze": true, "freeze": true"#, to: fixture)
    try await send(#""name": "a", "kind": "analyze", "tables": ["e.t"]"#, to: fixture)
    try await send(#""name": "r", "kind": "reindex", "tables": ["e.t"]"#, to: fixture)
    try await send(#""name": "s", "kind": "sql", "statement": "DELETE FROM e.c", "timeout": "1m""#, to: fixture)
    #expect(try await fixture.count("e.c") == 0)
  }

  @Test("The statement and the program do not run the same task at once, and a hold keeps the table from both")
  func excludes() async throws {
    let fixture = try await Fixture(DeletionTests.rows)
    let other = try await fixture.otherSession()
    let key = "(23580::int8 << 48) | (hashtextextended('sluice:maintenance:old', 0) & 281474976710655)"
    try await other.query("SELECT pg_advisory_lock(\(key))")
    await #expect(throws: (any Error).self) { try await send(DeletionTests.plain, to: fixture) }
    await other.close()
    try await fixture.psql(
      """
      CREATE SCHEMA admin; CREATE FUNCTION admin.holds_on(name, name, oid[] DEFAULT NULL) RETURNS SETOF int LANGUAGE sql AS
        $$SELECT 1 WHERE $1 = 'e' AND $2 = 't'$$
      """)
    await #expect(throws: (any Error).self) { try await send(DeletionTests.plain, to: fixture) }
    #expect(try await fixture.count("e.t") == 1002)
  }

  @Test(
    "What needs the program is refused with the field",
    arguments: [
      (DeletionTests.old, "require_archive"), (DeletionTests.plain + #", "archive": true"#, "archive"),
      (DeletionTests.plain + #", "max_replication_lag": "1s""#, "max_replication_lag"),
      (DeletionTests.plain + #", "max_active_sessions": 5"#, "max_active_sessions"),
      (#""name": "v", "kind": "vacuum", "patterns": ["e.*"]"#, "patterns"),
      (#""name": "v", "kind": "vacuum", "all": true"#, "all"),
      (#""name": "v", "kind": "vacuum", "tables": ["e.t"], "min_dead_share": "1%""#, "min_dead_share"),
      (#""name": "a", "kind": "analyze", "tables": ["e.t"], "min_changed_share": "1%""#, "min_changed_share"),
      (#""name": "r", "kind": "reindex", "tables": ["e.t", "e.u"]"#, "tables"),
    ])
  func refuses(_ bad: (json: String, field: String)) throws {
    let error = try #require(throws: JobError.self) { try task(bad.json).cronStatement() }
    #expect(error.code == .badField && error.field == bad.field, "\(error)")
  }
}
