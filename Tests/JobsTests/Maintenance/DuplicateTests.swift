import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

@Suite("Maintenance that deletes duplicates and orphans")
struct DuplicateTests {
  /// Keys 1 to 100 three times, and three rows whose key has a NULL.
  static let double = """
    CREATE SCHEMA e;
    CREATE TABLE e.d (a int, b text, at timestamptz, n serial);
    INSERT INTO e.d (a, b, at) SELECT k, 'k', '2024-01-01'::timestamptz + v * interval '1 day' FROM generate_series(1, 100) k, generate_series(1, 3) v;
    INSERT INTO e.d (a, b, at) VALUES (NULL, 'k', '2024-01-01'), (NULL, 'k', '2024-01-02'), (NULL, 'k', NULL);
    """
  static func task(_ keep: String, _ more: String = "") -> String {
    #""name": "d", "kind": "deduplicate", "table": "e.d", "key": ["a", "b"], "by": "at", "keep": "\#(keep)", "pause": "0ms"\#(more)"#
  }

  @Test("One row of each key stays, the newest or the oldest; NULL keys are apart unless they are together")
  func keeps() async throws {
    let fixture = try await Fixture(Self.double)
    let dry = try await fixture.maintain(Self.task("newest"), dryRun: true)
    #expect(dry.outcome == .planned && dry.remaining == 200 && dry.sample.first?.object?.keys.sorted() == ["a", "b"])
    let newest = try await fixture.maintain(Self.task("newest", #", "batch_rows": 7"#))
    #expect(newest.outcome == .ok && newest.rows == 200 && newest.batches == 29, "\(newest)")
    #expect(
      try await fixture.psql("SELECT count(*), count(DISTINCT a), min(at)::date FROM e.d WHERE a IS NOT NULL")
        == "100|100|2024-01-04")
    #expect(try await fixture.psql("SELECT count(*) FROM e.d WHERE a IS NULL") == "3")
    // A row without a time is older than any other.
    let together = try await fixture.maintain(Self.task("newest", #", "null_keys": "together""#))
    #expect(together.rows == 2)
    #expect(try await fixture.psql("SELECT at::date FROM e.d WHERE a IS NULL") == "2024-01-02")
    #expect(try await fixture.maintain(Self.task("newest", #", "null_keys": "together""#)).outcome == .nothing)
  }

  @Test("Rows of the same time: the first by place stays, in rounds of any length, also over partitions")
  func ties() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA e; CREATE TABLE e.d (a int, b text, at timestamptz, n int) PARTITION BY RANGE (n);
      CREATE TABLE e.d1 PARTITION OF e.d FOR VALUES FROM (0) TO (150); CREATE TABLE e.d2 PARTITION OF e.d DEFAULT;
      INSERT INTO e.d SELECT n % 100, 'k', '2024-01-01', n FROM generate_series(0, 299) n;
      """)
    let result = try await fixture.maintain(Self.task("oldest"), listedRows: 30)
    #expect(result.outcome == .ok && result.rows == 200, "\(result)")
    #expect(try await fixture.psql("SELECT count(*), count(DISTINCT a), max(n) FROM e.d") == "100|100|99")
  }

  @Test("A duplicate stays where the row because of which it would go goes at the same time")
  func keeperGoes() async throws {
    let fixture = try await Fixture(Self.double)
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    // The newest of key 7 goes, and that of key 8 gets another key, once the duplicates are listed.
    try await other.query("DELETE FROM e.d WHERE a = 7 AND at = '2024-01-04'")
    try await other.query("UPDATE e.d SET a = 8000 WHERE a = 8 AND at = '2024-01-04'")
    let result = try await fixture.maintain(Self.task("newest"))
    #expect(result.rows == 196 && result.outcome == .kept && result.reason == "changed_meanwhile", "\(result)")
    try await other.query("COMMIT")
    await other.close()
    #expect(try await fixture.psql("SELECT count(*) FROM e.d WHERE a IN (7, 8)") == "4")
    #expect(try await fixture.maintain(Self.task("newest")).rows == 2)
    #expect(
      try await fixture.psql("SELECT string_agg(a || ' ' || at::date, ',' ORDER BY a) FROM e.d WHERE a IN (7, 8, 8000)")
        == "7 2024-01-03,8 2024-01-03,8000 2024-01-04")
  }

  @Test("The right that the lock on the row that stays needs is named")
  func right() async throws {
    let fixture = try await Fixture(
      Self.double, settings: ["PG_USER": "plain"], password: PostgresServer.shared.plainPassword)
    try await fixture.psql("GRANT USAGE ON SCHEMA e TO plain; GRANT SELECT, DELETE ON e.d TO plain")
    let refused = try await fixture.maintain(Self.task("newest"))
    #expect(refused.error?.message.contains("GRANT UPDATE (a) ON e.d TO plain") == true, "\(refused)")
    try await fixture.psql("GRANT UPDATE (a) ON e.d TO plain")
    #expect(try await fixture.maintain(Self.task("newest")).rows == 200)
  }

  static let family = """
    CREATE SCHEMA e; CREATE TABLE e.p (x int, y int, PRIMARY KEY (x, y)); CREATE TABLE e.c (id int PRIMARY KEY, x int, y int, at timestamptz);
    INSERT INTO e.p SELECT n, n FROM generate_series(1, 50) n;
    INSERT INTO e.c SELECT n, n, n, now() - interval '2 days' FROM generate_series(1, 100) n;
    INSERT INTO e.c VALUES (101, NULL, 99, '2024-01-01'), (102, 99, NULL, '2024-01-01'), (103, 99, 98, now());
    """
  static let orphans =
    #""name": "o", "kind": "delete_orphans", "child": "e.c", "columns": ["x", "y"], "parent": "e.p", "parent_columns": ["x", "y"], "pause": "0ms""#

  @Test(
    "A row whose parent is missing goes; one with a NULL in its key has none on purpose, and a young one waits for its own"
  )
  func orphans() async throws {
    let fixture = try await Fixture(Self.family)
    let graced = try await fixture.maintain(Self.orphans + #", "grace_column": "at", "grace": "1 day""#)
    #expect(graced.outcome == .ok && graced.rows == 50 && graced.warnings == [], "\(graced)")
    #expect(
      try await fixture.psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM e.c WHERE id > 50") == "101,102,103")
    #expect(try await fixture.maintain(Self.orphans).rows == 1)
  }

  @Test("A row that another session has locked is not waited for, and stays with the parent that comes meanwhile")
  func parentComes() async throws {
    let fixture = try await Fixture(Self.family)
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    try await other.query("SELECT FROM e.c WHERE id = 60 FOR UPDATE")
    let result = try await fixture.maintain(Self.orphans + #", "lock_timeout": "1ms""#)
    #expect(result.rows == 50 && result.outcome == .kept && result.remaining == 1, "\(result)")
    try await other.query("INSERT INTO e.p VALUES (60, 60)")
    try await other.query("COMMIT")
    await other.close()
    #expect(try await fixture.maintain(Self.orphans).outcome == .nothing)
    #expect(
      try await fixture.psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM e.c WHERE id > 50") == "60,101,102")
  }

  @Test("A parent without an index is told as what it costs, and a column that is not there by its nearest name")
  func warnings() async throws {
    let fixture = try await Fixture(Self.family + "ALTER TABLE e.p DROP CONSTRAINT p_pkey")
    #expect(try await fixture.maintain(Self.orphans).warnings.contains { $0.contains("no index") })
    let wrong = try await fixture.maintain(
      Self.orphans.replacing(#"["x", "y"], "parent": "#, with: #"["x", "yy"], "parent": "#))
    #expect(
      wrong.error?.code == .unknownColumns && wrong.error?.message.contains("did you mean y?") == true, "\(wrong)")
  }
}
