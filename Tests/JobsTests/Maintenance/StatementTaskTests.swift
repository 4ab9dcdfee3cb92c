import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

@Suite("Maintenance by statements, and what stands in their way")
struct StatementTaskTests {
  private static func sql(_ statement: String) -> String {
    #""name": "s", "kind": "sql", "statement": "\#(statement)", "timeout": "60s""#
  }

  @Test("What a statement of one's own sets in its session does not last until the next task")
  func settings() async throws {
    let fixture = try await Fixture(
      DeletionTests.rows + "CREATE TABLE e.child (id int REFERENCES e.t); INSERT INTO e.child VALUES (999);")
    let result = try await fixture.maintain(Self.sql("SET session_replication_role = replica"))
    #expect(result.outcome == .ok, "\(result)")
    let next = try await fixture.maintain(DeletionTests.plain)
    let error = try #require(next.error)
    #expect(next.outcome == .failed && error.code == .constraintViolation && next.rows == 0, "\(next)")
    #expect(error.message.contains("child_id_fkey") && !error.message.contains("loaded"), "\(error)")
    #expect(next.warnings.contains { $0.contains("foreign keys (1) name rows of e.t") }, "\(next.warnings)")
    #expect(try await fixture.count("e.t") == 1002)
    try await fixture.psql("DROP TABLE e.child")
    #expect(try await fixture.maintain(DeletionTests.plain).rows == 761)
  }

  @Test("A statement whose connection breaks is not run again: what it has done is not known")
  func onceOnly() async throws {
    var fixture = try await Fixture(
      """
      CREATE TABLE log (id int);
      CREATE PROCEDURE work() LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); COMMIT; PERFORM pg_sleep(600); END';
      """)
    fixture.settings.databaseRetrySeconds = 30
    let site = fixture
    let run = Task { try await site.maintain(Self.sql("CALL public.work()")) }
    try await eventually { try await site.count("log") == 1 }
    try await site.psql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CALL%' \\g /dev/null\n"
    )
    let result = try await run.value
    #expect(result.outcome == .unconfirmed && result.error?.code == .commitUnknown, "\(result)")
    #expect(try await site.count("log") == 1)
  }

  @Test(
    "A build of an index waits for older transactions as long as they last; a table that is locked stops the task, and one that is missing fails it"
  )
  func locks() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA e; CREATE TABLE e.t (id int PRIMARY KEY, k int); CREATE TABLE e.u (id int);
      ALTER TABLE e.t SET (autovacuum_enabled = false);
      INSERT INTO e.t SELECT n, n FROM generate_series(1, 20000) n; DELETE FROM e.t WHERE id % 10 <> 0; VACUUM ANALYZE e.t;
      """)
    let other = try await fixture.otherSession()
    try await other.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try await other.query("SELECT count(*) FROM e.u")
    let build = Task {
      try await fixture.maintain(#""name": "r", "kind": "reindex", "tables": ["e.t"], "lock_timeout": "50ms""#)
    }
    try await fixture.waitUntilBlocked()
    try await Task.sleep(for: .milliseconds(200))
    try await other.query("COMMIT")
    let built = try await build.value
    #expect(built.outcome == .ok && built.parts.map(\.unit) == ["e.t_pkey"], "\(built)")

    try await other.query("BEGIN")
    try await other.query("LOCK TABLE e.u")
    let vacuum =
      #""name": "v", "kind": "vacuum", "tables": ["e.t", "e.u", "e.none"], "min_dead_share": "0%", "lock_timeout": "50ms", "freeze": true"#
    try await fixture.psql("UPDATE e.t SET k = 0")
    try await eventually { try await fixture.psql("SELECT pg_stat_get_dead_tuples('e.t'::regclass) > 0") == "t" }
    let half = try await fixture.maintain(vacuum)
    #expect(half.outcome == .failed && half.error?.code == .tableNotFound, "\(half)")
    #expect(Set(half.parts.map(\.unit)) == ["e.none", "e.t", "e.u"] && half.parts.contains { $0.outcome == .ok })
    let old = #""name": "o", "kind": "sql", "statement": "DELETE FROM e.u", "timeout": "10s", "lock_timeout": "50ms""#
    let stopped = try await fixture.maintain(old)
    #expect(stopped.outcome == .stopped && stopped.reason == "locked", "\(stopped)")
    await other.close()
  }

  @Test("A table that stays locked for everybody stops a vacuum, and a deletion, after lock_timeout")
  func everybody() async throws {
    let fixture = try await Fixture(DeletionTests.rows)
    try await fixture.psql("ALTER TABLE e.t SET (autovacuum_enabled = false); DELETE FROM e.t WHERE id % 2 = 0")
    try await eventually { try await fixture.psql("SELECT pg_stat_get_dead_tuples('e.t'::regclass) > 0") == "t" }
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    try await other.query("LOCK TABLE e.t")
    let vacuum = try await fixture.maintain(
      #""name": "v", "kind": "vacuum", "tables": ["e.t"], "min_dead_share": "0%", "lock_timeout": "50ms""#)
    #expect(vacuum.outcome == .stopped && vacuum.reason == "locked", "\(vacuum)")
    let deletion = try await fixture.maintain(DeletionTests.plain + #", "lock_timeout": "50ms""#)
    #expect(deletion.outcome == .stopped && deletion.reason == "locked" && deletion.rows == 0, "\(deletion)")
    await other.close()
  }

  @Test("A pattern's schema and name are compared apart: a name with a dot in it is no other schema's table")
  func patterns() async throws {
    let fixture = try await Fixture(
      #"CREATE SCHEMA e; CREATE TABLE e.t (id int); CREATE SCHEMA "e.x"; CREATE TABLE "e.x".t (id int)"#)
    let result = try await fixture.maintain(#""name": "v", "kind": "vacuum", "patterns": ["e.*"]"#, dryRun: true)
    #expect(result.parts.map(\.unit) == ["e.t"], "\(result)")
  }
}
