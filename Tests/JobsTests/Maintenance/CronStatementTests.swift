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
    "The statement refuses what the program refuses: cascades, rules, restores' holds, policies that require archives")
  func guards() async throws {
    let fixture = try await Fixture(DeletionTests.rows)
    let before = try await fixture.count("e.t")
    func refused(_ make: String, _ take: String) async throws {
      try await fixture.psql(make)
      await #expect(throws: (any Error).self, "\(make)") { try await send(DeletionTests.plain, to: fixture) }
      #expect(try await fixture.count("e.t") == before, "\(make)")
      try await fixture.psql(take)
    }
    try await refused(
      "CREATE UNIQUE INDEX own ON e.t (id); CREATE TABLE e.kid (id int REFERENCES e.t (id) ON DELETE CASCADE)",
      "DROP TABLE e.kid; DROP INDEX e.own")
    // The rows of the table itself that would follow are no older than others.
    try await refused(
      "ALTER TABLE e.t ADD up int REFERENCES e.t (id) ON DELETE CASCADE", "ALTER TABLE e.t DROP up")
    try await refused(
      "CREATE RULE keep AS ON DELETE TO e.t DO INSTEAD NOTHING", "DROP RULE keep ON e.t")
    try await refused(
      """
      CREATE SCHEMA sluice; CREATE TABLE sluice.hold (schema_name text, table_name text, keep_until timestamptz, ended_at timestamptz);
      INSERT INTO sluice.hold VALUES ('e', 't', 'infinity')
      """, "DROP SCHEMA sluice CASCADE")
    // A hold on the table above.
    try await refused(
      """
      CREATE TABLE e.above (LIKE e.t); ALTER TABLE e.t INHERIT e.above; CREATE SCHEMA sluice;
      CREATE TABLE sluice.hold (schema_name text, table_name text, keep_until timestamptz, ended_at timestamptz);
      INSERT INTO sluice.hold VALUES ('e', 'above', 'infinity')
      """, "DROP SCHEMA sluice CASCADE; ALTER TABLE e.t NO INHERIT e.above")
    try await refused(
      """
      CREATE SCHEMA admin; CREATE TABLE admin.retention_policy (table_schema text, table_name text, require_archive boolean);
      INSERT INTO admin.retention_policy VALUES ('e', 't', true)
      """, "DROP SCHEMA admin CASCADE")
    try await send(DeletionTests.plain, to: fixture)
    #expect(try await fixture.count("e.t") < before)
  }

  @Test("The limit is the same in every style of dates, and a run whose time is used up fails and goes on")
  func limits() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA e; CREATE TABLE e.t (id int, at timestamptz);
      INSERT INTO e.t SELECT n, now() - interval '10 days' + (n - 50) * interval '30 minutes' FROM generate_series(1, 100) n;
      """)
    try await fixture.psql(
      "ALTER DATABASE \"\(fixture.database)\" SET datestyle = 'SQL, DMY'; ALTER DATABASE \"\(fixture.database)\" SET timezone = 'Asia/Shanghai'"
    )
    let task =
      #""name": "styles", "kind": "delete_older_than", "table": "e.t", "column": "at", "keep": "10 days", "require_archive": false"#
    await #expect(throws: (any Error).self) { try await send(task + #", "budget": "1ms""#, to: fixture) }
    #expect(try await fixture.count("e.t") == 100)
    try await send(task, to: fixture)
    #expect((49...51).contains(try await fixture.count("e.t")))
  }

  @Test(
    "A table that is written anew between two batches keeps its unique rows, and a partition that is detached its rows")
  func rewritten() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA e; CREATE TABLE e.d (id int, k int, at timestamptz, pad text);
      INSERT INTO e.d SELECT g, CASE WHEN g > 100 THEN 1000 + g ELSE g % 60 END, now() - g * interval '1 min', repeat('x', 200)
        FROM generate_series(1, 200) g;
      CREATE TABLE e.p (id int, at timestamptz) PARTITION BY LIST (id);
      CREATE TABLE e.p1 PARTITION OF e.p FOR VALUES IN (1); CREATE TABLE e.p2 PARTITION OF e.p FOR VALUES IN (2);
      INSERT INTO e.p SELECT 1 + n % 2, '2024-01-01' FROM generate_series(1, 40) n;
      """)
    let pairs = Task {
      try await send(
        #""name": "d", "kind": "deduplicate", "table": "e.d", "key": ["k"], "keep": "oldest", "by": "at", "batch_rows": 5, "pause": "1s""#,
        to: fixture)
    }
    try await eventually { try await fixture.count("e.d") < 200 }
    try await fixture.psql("VACUUM FULL e.d")
    await #expect(throws: (any Error).self) { try await pairs.value }
    #expect(try await fixture.psql("SELECT count(DISTINCT k) FROM e.d") == "160")
    let walk = Task {
      try await send(
        #""name": "p", "kind": "delete_older_than", "table": "e.p", "column": "at", "keep": "1 day", "require_archive": false, "batch_rows": 5, "pause": "1s""#,
        to: fixture)
    }
    try await eventually { try await fixture.count("e.p") < 40 }
    try await fixture.psql("ALTER TABLE e.p DETACH PARTITION e.p2")
    try await walk.value
    #expect(try await fixture.count("e.p2") == 20)
    #expect(try await fixture.count("e.p1") == 0)
  }

  @Test(
    "A partition with the rows that stay is detached between two batches: the rows that they kept from staying stay")
  func detachedKeeper() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA e; CREATE TABLE e.d (id int, k int, at timestamptz) PARTITION BY LIST (id);
      CREATE TABLE e.d1 PARTITION OF e.d FOR VALUES IN (1); CREATE TABLE e.d2 PARTITION OF e.d FOR VALUES IN (2);
      INSERT INTO e.d SELECT i, g, '2024-01-01'::timestamptz + i * interval '1 day' FROM generate_series(1, 40) g, generate_series(1, 2) i;
      """)
    let run = Task {
      try await send(
        #""name": "d", "kind": "deduplicate", "table": "e.d", "key": ["k"], "keep": "newest", "by": "at", "batch_rows": 5, "pause": "1s""#,
        to: fixture)
    }
    try await eventually { try await fixture.count("e.d1") < 40 }
    try await fixture.psql("ALTER TABLE e.d DETACH PARTITION e.d2")
    let left = try await fixture.count("e.d")
    await #expect(throws: (any Error).self) { try await run.value }
    #expect(try await fixture.count("e.d") == left && left > 0)
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
