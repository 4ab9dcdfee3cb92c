import Configuration
import Essentials
import Foundation
import Jobs
import Postgres
import TestSupport
import Testing

@testable import Database
@testable import Reporting
@testable import TableDays

/// A backup that waits while another session rewrites the table.
@Suite("Rewrites of a table during a backup")
struct RewriteTests {
  struct Rewrite: Sendable, CustomTestStringConvertible {
    let name: String
    let sql: [String]
    var rows = 3
    var setUp = Fixture.clicks
    var testDescription: String { name }
  }

  static let parts = """
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, at timestamptz NOT NULL, note text) PARTITION BY RANGE (at);
    CREATE TABLE events.part PARTITION OF events.clicks FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-01-02 00:00+00');
    INSERT INTO events.clicks SELECT i, '2024-01-01 10:00+00', 'x' FROM generate_series(1, 3) i;
    """
  static let children = """
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, at timestamptz, note text);
    CREATE TABLE events.child () INHERITS (events.clicks);
    INSERT INTO events.child SELECT i, '2024-01-01 10:00+00', 'x' FROM generate_series(1, 3) i;
    """

  static let rewrites = [
    Rewrite(name: "the type of a column", sql: ["ALTER TABLE events.clicks ALTER id TYPE bigint"]),
    Rewrite(
      name: "a column with a volatile default",
      sql: ["ALTER TABLE events.clicks ADD COLUMN more float8 DEFAULT random()"]),
    Rewrite(name: "SET UNLOGGED", sql: ["ALTER TABLE events.clicks SET UNLOGGED"]),
    Rewrite(
      name: "TRUNCATE and refill",
      sql: [
        "TRUNCATE events.clicks",
        "INSERT INTO events.clicks SELECT i, '2024-01-01 10:00+00', 'new' FROM generate_series(1, 5) i",
      ], rows: 5),
    Rewrite(
      name: "a swap by rename",
      sql: [
        "CREATE TABLE events.next (LIKE events.clicks)",
        "INSERT INTO events.next SELECT i, '2024-01-01 10:00+00', 'new' FROM generate_series(1, 7) i",
        "ALTER TABLE events.clicks RENAME TO old", "ALTER TABLE events.next RENAME TO clicks",
      ], rows: 7),
    Rewrite(
      name: "VACUUM FULL's CLUSTER",
      sql: ["CREATE INDEX byid ON events.clicks (id)", "CLUSTER events.clicks USING byid"]),
    Rewrite(
      name: "a partition", sql: ["ALTER TABLE events.part SET UNLOGGED"], setUp: parts),
    Rewrite(
      name: "a partition that is emptied and refilled",
      sql: [
        "TRUNCATE events.part",
        "INSERT INTO events.part SELECT i, '2024-01-01 11:00+00', 'new' FROM generate_series(1, 4) i",
      ], rows: 4, setUp: parts),
    Rewrite(name: "a child", sql: ["ALTER TABLE events.child SET UNLOGGED"], setUp: children),
  ]

  @Test("A backup that waits for a rewrite archives the rows that are there after it", arguments: rewrites)
  func waits(for rewrite: Rewrite) async throws {
    let fixture = try await Fixture(rewrite.setUp)
    let result = try await fixture.backup(waitingFor: rewrite.sql, by: fixture.otherSession())
    #expect(result.status == .ok, "\(result.error as Any)")
    #expect(result.rows == rewrite.rows)
    #expect(try await fixture.csv().split(separator: "\n").count == rewrite.rows + 1)
    #expect(try fixture.manifest()["rows"] == .integer(rewrite.rows))
  }

  @Test("A role with rights on each column alone, who may not LOCK, archives the rows after a rewrite too")
  func columnRights() async throws {
    var fixture = try await Fixture(
      Fixture.clicks + """
        GRANT USAGE ON SCHEMA events TO plain;
        GRANT SELECT (id, at, note) ON events.clicks TO plain;
        """, password: PostgresServer.shared.plainPassword)
    fixture.settings.server.user = fixture.server.plainUser
    let superuser = fixture.with { $0.server.user = "postgres" }
    let result = try await fixture.backup(
      waitingFor: ["ALTER TABLE events.clicks ALTER id TYPE bigint"], by: superuser.otherSession())
    #expect(result.status == .ok, "\(result.error as Any)")
    #expect(result.rows == 3)
  }

  @Test("A rewrite that takes longer than the first attempt is waited for too", arguments: rewrites)
  func waitsLong(for rewrite: Rewrite) async throws {
    let fixture = try await Fixture(rewrite.setUp)
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    for statement in rewrite.sql { try await other.query(statement) }
    let progress = JobProgress()
    let backup = Task { try await fixture.backup(progress: progress) }
    try await fixture.waitUntilBlocked()
    // The second wait locks what is read.
    try await eventually {
      try await fixture.psql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(fixture.database)' AND wait_event_type = 'Lock' "
          + "AND query LIKE 'SELECT FROM%'") == "1"
    }
    try await other.query("COMMIT")
    let result = try await backup.value.results[0]
    #expect(result.status == .ok, "\(result.error as Any)")
    #expect(result.rows == rewrite.rows)
    await other.close()
  }

  @Test("A foreign table, also as a partition, is refused, since its server's snapshot may be older than the lock")
  func foreignTable() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE EXTENSION file_fdw;
      CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
      CREATE TABLE events.parts (id int, at timestamptz, note text) PARTITION BY RANGE (at);
      CREATE FOREIGN TABLE events.clicks PARTITION OF events.parts FOR VALUES FROM ('2024-01-01') TO ('2024-01-02')
        SERVER files OPTIONS (program 'echo 1,2024-01-01,a', format 'csv');
      """)
    for table in ["events.clicks", "events.parts"] {
      let error = try await fixture.backupError("\"table\": \"\(table):at\", \"date\": \"2024-01-01\"")
      #expect(error.code == .notATable)
      #expect(error.message.contains("foreign table events.clicks"))
    }
  }

  @Test("A backup is refused while a partition is being detached, which hides its rows")
  func detachPending() async throws {
    let fixture = try await Fixture(Self.parts)
    let reader = try await fixture.otherSession()
    try await reader.query("BEGIN")
    try await reader.query("SELECT FROM events.clicks")
    let detaching = try await fixture.otherSession()
    try await detaching.query("SET statement_timeout = '300ms'")
    await #expect(throws: (any Error).self) {
      try await detaching.query("ALTER TABLE events.clicks DETACH PARTITION events.part CONCURRENTLY")
    }
    let error = try await fixture.backupError()
    #expect(error.code == .detachPending)
    #expect(error.code.kind == .conflict)
    #expect(error.message.contains("DETACH PARTITION events.part FINALIZE"))
    await reader.close()
    await detaching.close()
  }

  @Test("The files that hold a table's rows change with a rewrite, and with one of a partition")
  func identity() async throws {
    let fixture = try await Fixture(Self.parts)
    let connection = try await fixture.otherSession()
    let facts = try await TableFacts.read(TableName(schema: "events", name: "clicks"), for: .read, on: connection)
    let before = try await TableFiles.read(facts, on: connection)
    #expect(try await TableFiles.read(facts, on: connection) == before)
    try await connection.query("ALTER TABLE events.part SET UNLOGGED")
    #expect(try await TableFiles.read(facts, on: connection) != before)
    // A snapshot that is older than a rewrite is found out, whoever committed it.
    try await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
    _ = try await TableFiles.read(facts, on: connection)
    try await fixture.psql("ALTER TABLE events.part SET LOGGED")
    let error = await #expect(throws: JobError.self) { _ = try await TableFiles.read(facts, on: connection) }
    #expect(error?.code == .tableChanged)
    await connection.close()
  }
}
