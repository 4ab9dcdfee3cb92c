import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

@Suite("Maintenance that deletes rows")
struct DeletionTests {
  static let rows = """
    CREATE SCHEMA e;
    CREATE TABLE e.t (id int PRIMARY KEY, at timestamptz, pad text);
    INSERT INTO e.t SELECT n, now() - n * interval '1 hour', repeat('x', 500) FROM generate_series(1, 1000) n;
    INSERT INTO e.t VALUES (2001, NULL), (2002, '-infinity');
    """
  static let old =
    #""name": "old", "kind": "delete_older_than", "table": "e.t", "column": "at", "keep": "10 days", "pause": "0ms""#
  static let plain = old + #", "require_archive": false"#

  @Test(
    "Rows older than the keep time go in batches; rows without a time, or of an infinite one, stay; the chain tells of it twice"
  )
  func older() async throws {
    let fixture = try await Fixture(Self.rows)
    let dry = try await fixture.maintain(Self.plain, dryRun: true)
    #expect(dry.outcome == .planned && dry.remaining == 761 && dry.rows == 0)
    #expect(dry.sample.count == 5 && dry.sample.allSatisfy { $0.object?["id"] != nil })
    #expect(try await fixture.count("e.t") == 1002)
    #expect(try await fixture.audited() == [])

    let result = try await fixture.maintain(Self.plain + #", "batch_rows": 100"#)
    #expect(result.outcome == .ok && result.rows == 761 && result.remaining == 0, "\(result)")
    #expect(result.batches >= 8 && result.bytesBefore ?? 0 > 0)
    #expect(try await fixture.psql("SELECT count(*), max(id), count(at) FROM e.t") == "241|2002|240")
    let lines = try await fixture.audited()
    #expect(lines.map { $0.object?["outcome"]?.string } == ["begun", "ok"])
    #expect(lines.last?.object?["rows"] == .integer(761) && lines.last?.object?["task"]?.string == "old")

    #expect(try await fixture.maintain(Self.plain).outcome == .nothing)
    #expect(try await fixture.audited().count == 2)
  }

  @Test("A task that runs out of time stops after a batch, and the next run goes on at the block where it was")
  func goesOn() async throws {
    var fixture = try await Fixture(Self.rows)
    let clock = SteppingClock(after: 12)
    fixture.now = { clock.now }
    let task = Self.plain + #", "batch_rows": 50, "budget": "1h""#
    let first = try await fixture.maintain(task)
    #expect(first.outcome == .stopped && first.reason == "budget", "\(first)")
    #expect(first.rows > 0 && first.rows < 761)
    fixture.now = { Date(timeIntervalSince1970: 1_704_888_000) }
    let second = try await fixture.maintain(task)
    #expect(second.outcome == .ok && first.rows + second.rows == 761, "\(second)")
    let resumed = try #require(second.resumedAt)
    #expect(resumed.contains("block ") && !resumed.hasSuffix("block 0"), "\(resumed)")
    #expect(try await fixture.maintain(task).resumedAt == nil)
  }

  @Test("Rows that come behind the end of a walk go in the next one of the same run")
  func comesBehind() async throws {
    let fixture = try await Fixture(
      Self.rows + """
        CREATE FUNCTION e.more() RETURNS trigger LANGUAGE plpgsql AS
          $$BEGIN INSERT INTO e.t SELECT n, '2024-01-01', repeat('y', 900) FROM generate_series(3001, 3200) n; RETURN NULL; END$$;
        CREATE TRIGGER more AFTER DELETE ON e.t FOR EACH ROW WHEN (OLD.id = 900) EXECUTE FUNCTION e.more();
        """)
    let result = try await fixture.maintain(Self.plain + #", "batch_rows": 100"#)
    #expect(result.outcome == .ok && result.rows == 961 && result.remaining == 0, "\(result)")
  }

  @Test("Nothing goes that no archive holds, unless the file says so")
  func archiveByDefault() async throws {
    let fixture = try await Fixture(Self.rows)
    let result = try await fixture.maintain(Self.old)
    #expect(result.outcome == .kept && result.reason == "no_archive" && result.rows == 0, "\(result)")
    #expect(try await fixture.count("e.t") == 1002)
  }

  @Test("Rows of other tables that a foreign key would change with them keep all of them")
  func cascades() async throws {
    let fixture = try await Fixture(
      Self.rows + "CREATE TABLE e.child (id int REFERENCES e.t ON DELETE CASCADE); INSERT INTO e.child VALUES (999)")
    let result = try await fixture.maintain(Self.plain)
    #expect(result.outcome == .failed && result.error?.code == .deleteCascades)
    #expect(try await fixture.count("e.child") == 1)
  }

  @Test(
    "A row that others hold stops the task after its tries, and the others stay as they are", arguments: [true, false])
  func locked(isChanged: Bool) async throws {
    let fixture = try await Fixture(Self.rows)
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    try await other.query("UPDATE e.t SET at = now() WHERE id = 900")
    if isChanged {
      // The row is young by the time the batch gets at it.
      async let result = fixture.maintain(Self.plain + #", "lock_timeout": "30s""#)
      try await fixture.waitUntilBlocked()
      try await other.query("COMMIT")
      #expect(try await result.outcome == .ok)
      #expect(try await result.rows == 760)
    } else {
      let result = try await fixture.maintain(Self.plain + #", "lock_timeout": "10ms""#)
      #expect(result.outcome == .stopped && result.reason == "locked" && result.rows == 0, "\(result)")
      try await other.query("ROLLBACK")
    }
    await other.close()
    #expect(try await fixture.psql("SELECT count(*) FROM e.t WHERE id = 900") == "1")
  }

  @Test("Two runs of a task at once: the second one does nothing and says why")
  func once() async throws {
    let fixture = try await Fixture(Self.rows)
    let other = try await fixture.otherSession()
    let key = "(23580::int8 << 48) | (hashtextextended('sluice:maintenance:old', 0) & 281474976710655)"
    try await other.query("SELECT pg_advisory_lock(\(key))")
    let result = try await fixture.maintain(Self.plain)
    #expect(result.outcome == .skipped && result.reason == "already_running" && result.detail?.contains("pid") == true)
    await other.close()
    #expect(try await fixture.count("e.t") == 1002)
  }

  @Test("A failed task does not keep the next one; the status tells of both")
  func others() async throws {
    let fixture = try await Fixture(Self.rows)
    let report = try await fixture.maintenanceJob(
      "{\"name\": \"none\", \"kind\": \"analyze\", \"tables\": [\"e.none\"], \"order\": 1}, {\(Self.plain)}"
    ).run(MaintenanceRequest())
    #expect(report.tasks.map(\.outcome) == [.failed, .ok] && report.status == .partial)
    #expect(report.tasks[0].error?.code == .tableNotFound)
  }

  @Test("Sessions that work beside a task stop it between batches; a role that cannot see them is told so")
  func limits() async throws {
    let fixture = try await Fixture(Self.rows)
    let busy = try await [fixture.otherSession(), fixture.otherSession()]
    let sleeping = busy.map { session in Task { try? await session.query("SELECT pg_sleep(300)") } }
    try await eventually {
      try await fixture.psql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")
        == "2"
    }
    let result = try await fixture.maintain(Self.plain + #", "max_active_sessions": 1, "max_replication_lag": "1s""#)
    #expect(result.outcome == .stopped && result.reason == "active_sessions" && result.rows == 0, "\(result)")
    sleeping.forEach { $0.cancel() }
    for session in busy { await session.close() }

    try await fixture.psql("GRANT USAGE ON SCHEMA e TO plain; GRANT SELECT, DELETE ON e.t TO plain")
    let plain = try await Fixture(Self.rows, settings: ["PG_USER": "plain"], password: fixture.server.plainPassword)
    try await plain.psql("GRANT USAGE ON SCHEMA e TO plain; GRANT SELECT, DELETE ON e.t TO plain")
    let blind = try await plain.maintain(Self.plain + #", "max_active_sessions": 1"#)
    #expect(blind.outcome == .ok && blind.warnings.contains { $0.contains("pg_read_all_stats") }, "\(blind)")
    try await plain.psql("REVOKE DELETE ON e.t FROM plain")
    let refused = try await plain.maintain(Self.plain)
    #expect(refused.error?.message.contains("GRANT DELETE ON e.t TO plain") == true, "\(refused)")
  }

  @Test(
    "A hold that a restore has placed keeps the table, those above it and those below it, also under another name",
    arguments: [("e.t", "t"), ("e.t", "t1"), ("e.t1", "t"), ("e.t1", "t1"), ("e.t", "renamed")])
  func held(_ names: (table: String, held: String)) async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA e; CREATE TABLE e.t (id int, at timestamptz) PARTITION BY RANGE (id);
      CREATE TABLE e.t1 PARTITION OF e.t FOR VALUES FROM (0) TO (500); CREATE TABLE e.t2 PARTITION OF e.t DEFAULT;
      INSERT INTO e.t SELECT n, '2024-01-01' FROM generate_series(1, 1000) n;
      CREATE SCHEMA sluice;
      CREATE TABLE sluice.hold (schema_name text, table_name text, keep_until timestamptz, ended_at timestamptz, table_oid oid);
      INSERT INTO sluice.hold VALUES ('e', 'other', 'infinity', NULL, NULL),
        ('e', '\(names.held)', now() + interval '1 day', NULL, 'e.t1'::regclass);
      """)
    let task = Self.plain.replacing("e.t", with: names.table)
    let result = try await fixture.maintain(task)
    #expect(result.outcome == .kept && result.reason == "on_hold" && result.rows == 0, "\(result)")
    try await fixture.psql("UPDATE sluice.hold SET ended_at = now()")
    #expect(try await fixture.maintain(task).outcome == .ok)
  }

  @Test("The batches of partitions are those of each one")
  func partitions() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA e; CREATE TABLE e.t (id int, at timestamp) PARTITION BY RANGE (id);
      CREATE TABLE e.t1 PARTITION OF e.t FOR VALUES FROM (0) TO (500); CREATE TABLE e.t2 PARTITION OF e.t DEFAULT;
      INSERT INTO e.t SELECT n, now() - n * interval '1 hour' FROM generate_series(1, 1000) n;
      """)
    let result = try await fixture.maintain(Self.plain)
    #expect(result.outcome == .ok && result.rows == 761, "\(result)")
    #expect(try await fixture.psql("SELECT max(id) FROM e.t") == "239")
  }
}
