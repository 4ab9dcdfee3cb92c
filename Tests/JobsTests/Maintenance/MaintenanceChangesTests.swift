import Essentials
import Foundation
import Lake
import Postgres
import Synchronization
import TableDays
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

@Suite("Maintenance of tables that others change meanwhile")
struct MaintenanceChangesTests {
  /// The site, whose lake runs `change` once: when the task has noted its first place, which is after its first batch, or its first proof.
  private func site(_ base: Fixture, change: String) -> Fixture {
    var fixture = base
    let (server, database) = (fixture.server, fixture.database)
    let once = Once()
    var store = HookedStore(fixture.lake)
    store.publish = { writer, name, condition in
      let entry = try await writer.publish(as: name, condition: condition)
      if "\(name)".contains("operations/"), once.take() { try await server.psql(database, change) }
      return entry
    }
    fixture.lake = store
    return fixture
  }

  private final class Once: Sendable {
    private let isFirst = Mutex(true)

    var isTaken: Bool { isFirst.withLock { !$0 } }

    func take() -> Bool {
      isFirst.withLock { first in
        defer { first = false }
        return first
      }
    }
  }

  @Test(
    "A table that is rewritten between two batches gives its rows other places, and they are listed anew",
    arguments: ["VACUUM FULL e.d", "CLUSTER e.d USING by_n"])
  func rewritten(change: String) async throws {
    let base = try await Fixture(
      """
      CREATE SCHEMA e; CREATE TABLE e.d (a int, b text, at timestamptz, n int);
      INSERT INTO e.d SELECT CASE WHEN g > 100 THEN 1000 + g ELSE g % 60 END, 'k', '2024-01-01', g FROM generate_series(1, 200) g;
      CREATE INDEX by_n ON e.d (n);
      """)
    let fixture = site(base, change: change)
    let result = try await fixture.maintain(DuplicateTests.task("oldest", #", "batch_rows": 10"#))
    #expect(result.outcome == .ok && result.rows == 40, "\(result)")
    #expect(try await fixture.psql("SELECT count(*), count(DISTINCT a) FROM e.d") == "160|160")
  }

  @Test("Rows of a file are deleted by their places in the file that was listed")
  func rewrittenBesideFile() async throws {
    let fixture = site(
      try await Fixture(DeletionTests.rows), change: "DELETE FROM e.t WHERE id < 100; VACUUM FULL e.t")
    let result = try await fixture.maintain(DeletionTests.plain + #", "archive": true, "batch_rows": 100"#)
    #expect(result.outcome == .ok && result.rows == 761 && result.archives.count == 2, "\(result)")
    #expect(try await fixture.psql("SELECT count(*), max(id), count(at) FROM e.t") == "142|2002|141")
  }

  private static let partitions = """
    CREATE SCHEMA e; CREATE TABLE e.t (id int, at timestamptz) PARTITION BY RANGE (id);
    CREATE TABLE e.t1 PARTITION OF e.t FOR VALUES FROM (0) TO (500); CREATE TABLE e.t2 PARTITION OF e.t DEFAULT;
    INSERT INTO e.t SELECT n, '2024-01-01' FROM generate_series(1, 1000) n;
    """

  @Test(
    "A partition that is detached, or renamed and made anew, is deleted from no more",
    arguments: [
      ("ALTER TABLE e.t DETACH PARTITION e.t2", "e.t2"),
      (
        "ALTER TABLE e.t DETACH PARTITION e.t2; ALTER TABLE e.t2 RENAME TO t3; CREATE TABLE e.t2 (LIKE e.t); INSERT INTO e.t2 TABLE e.t3",
        "e.t2"
      ), ("ALTER TABLE e.t RENAME TO u", "e.t2"),
    ], [DeletionTests.plain, DeletionTests.plain + #", "archive": true"#])
  func detached(_ change: (sql: String, kept: String), task: String) async throws {
    let fixture = site(try await Fixture(Self.partitions), change: change.sql)
    let result = try await fixture.maintain(task + #", "batch_rows": 499"#)
    #expect(result.rows == 499 || change.sql.hasSuffix("TO u"), "\(result)")
    #expect(result.left.contains { $0.unit == change.kept && $0.reason == "detached" }, "\(result)")
    #expect(try await fixture.psql("SELECT count(*) FROM e.t2") == "501")
  }

  @Test("A partition that is dropped meanwhile is no error")
  func dropped() async throws {
    let fixture = site(try await Fixture(Self.partitions), change: "DROP TABLE e.t2")
    let result = try await fixture.maintain(DeletionTests.plain + #", "batch_rows": 499"#)
    #expect(result.outcome == .ok && result.rows == 499, "\(result)")
  }

  @Test("An error after rows were deleted does not say that nothing was")
  func failsLater() async throws {
    let fixture = try await Fixture(
      DeletionTests.rows + """
        CREATE FUNCTION e.no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no'; END$$;
        CREATE TRIGGER no BEFORE DELETE ON e.t FOR EACH ROW WHEN (OLD.id = 900) EXECUTE FUNCTION e.no();
        """)
    let result = try await fixture.maintain(DeletionTests.plain + #", "batch_rows": 100"#)
    #expect(result.outcome == .failed && result.rows > 0, "\(result)")
    let message = try #require(result.error?.message)
    #expect(
      !message.contains("nothing was") && message.contains("\(result.rows) rows were deleted before"), "\(message)")
  }

  @Test("A run that is skipped leaves the document of the run that is under way, and is no success")
  func skipped() async throws {
    var fixture = try await Fixture(DeletionTests.rows)
    let clock = SteppingClock(after: 12)
    fixture.now = { clock.now }
    let task = DeletionTests.plain + #", "batch_rows": 50, "budget": "1h""#
    #expect(try await fixture.maintain(task).outcome == .stopped)
    fixture.now = { Date(timeIntervalSince1970: 1_704_888_000) }
    let path = try #require(fixture.files.first { $0.contains("_sluice/operations/") })
    let document = try Data(contentsOf: URL(filePath: fixture.directory.file(path)))
    let other = try await fixture.otherSession()
    let key = "(23580::int8 << 48) | (hashtextextended('sluice:maintenance:old', 0) & 281474976710655)"
    try await other.query("SELECT pg_advisory_lock(\(key))")
    let report = try await fixture.maintenanceJob("{\(task)}").run(MaintenanceRequest())
    await other.close()
    #expect(report.tasks.map(\.outcome) == [.skipped] && report.status == .partial)
    #expect(try Data(contentsOf: URL(filePath: fixture.directory.file(path))) == document)
  }

  @Test("Row-level security that applies to the role is an error, and no table without old rows")
  func rowSecurity() async throws {
    let fixture = try await Fixture(
      DuplicateTests.family + DeletionTests.rows.replacing("CREATE SCHEMA e;", with: "")
        + """
        GRANT USAGE ON SCHEMA e TO plain; GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA e TO plain;
        ALTER TABLE e.t ENABLE ROW LEVEL SECURITY; ALTER TABLE e.p ENABLE ROW LEVEL SECURITY;
        """, settings: ["PG_USER": "plain"], password: PostgresServer.shared.plainPassword)
    for task in [DeletionTests.plain, DeletionTests.old, DuplicateTests.orphans] {
      let result = try await fixture.maintain(task)
      #expect(
        result.error?.code == .permissionDenied && result.error?.message.contains("row-level security") == true,
        "\(result)")
    }
  }

  @Test("A limit of time that the list uses up lets one batch go, and no more is listed than twenty of them")
  func shortBudget() async throws {
    var fixture = try await Fixture(DeletionTests.rows)
    let isLate = Once()
    fixture.now = { Date(timeIntervalSince1970: isLate.isTaken ? 1_704_974_400 : 1_704_888_000) }
    var store = HookedStore(fixture.lake)
    store.publish = { writer, name, condition in
      if "\(name)".contains(".deleted.") { _ = isLate.take() }
      return try await writer.publish(as: name, condition: condition)
    }
    fixture.lake = store
    let result = try await fixture.maintain(
      DeletionTests.plain + #", "archive": true, "batch_rows": 10, "budget": "1h""#)
    #expect(result.outcome == .stopped && result.rows == 10, "\(result)")
    #expect(result.archives.map(\.rows) == [200])
  }

  @Test("With require_archive the last day that has not passed as a whole is nobody's")
  func boundaryDay() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA e; CREATE TABLE e.t (id int PRIMARY KEY, at timestamptz);
      INSERT INTO e.t SELECT n, date_trunc('day', now() - interval '10 days', 'UTC') FROM generate_series(1, 9) n;
      """)
    #expect(try await fixture.maintain(DeletionTests.old, dryRun: true).outcome == .nothing)
    #expect(try await fixture.maintain(DeletionTests.old).outcome == .nothing)
    #expect(try await fixture.maintain(DeletionTests.plain, dryRun: true).remaining == 9)
  }
}
