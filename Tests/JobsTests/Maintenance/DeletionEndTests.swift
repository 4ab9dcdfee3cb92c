import Essentials
import Foundation
import Lake
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("Where a maintenance task that deletes ends, and goes on")
struct DeletionEndTests {
  @Test(
    "A table that gets rows which fit for as long as the task runs does not keep it running",
    arguments: ["", #", "archive": true"#])
  func endless(archive: String) async throws {
    let fixture = try await Fixture(
      DeletionTests.rows + """
        CREATE FUNCTION e.more() RETURNS trigger LANGUAGE plpgsql AS
          $$BEGIN INSERT INTO e.t VALUES (OLD.id + 10000, '2024-01-01'); RETURN NULL; END$$;
        CREATE TRIGGER more AFTER DELETE ON e.t FOR EACH ROW EXECUTE FUNCTION e.more();
        """)
    let result = try await fixture.maintain(DeletionTests.plain + #", "batch_rows": 400"# + archive)
    #expect(result.outcome == .kept && result.reason == "changed_meanwhile", "\(result)")
    // A walk meets some of those that come.
    #expect(archive.isEmpty ? result.rows > 761 : result.rows == 761, "\(result)")
    #expect(result.remaining == 761, "\(result)")
  }

  @Test("Duplicates that others hold do not keep those behind them, however few are listed at first")
  func heldFirst() async throws {
    var fixture = try await Fixture(
      """
      CREATE SCHEMA e; CREATE TABLE e.d (a int, b text, at timestamptz, n int);
      INSERT INTO e.d SELECT 1 + (g > 300)::int, 'k', '2024-01-01'::timestamptz + g * interval '1 min', g FROM generate_series(1, 600) g;
      """)
    fixture.now = { Date(timeIntervalSince1970: 1_704_888_000) }
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    try await other.query("SELECT FROM e.d WHERE n = 300 FOR UPDATE")
    let result = try await fixture.maintain(DuplicateTests.task("newest", #", "batch_rows": 10, "budget": "1h""#))
    await other.close()
    #expect(result.rows == 299 && result.remaining == 299 && result.reason == "changed_meanwhile", "\(result)")
  }

  @Test("An orphan that somebody has locked, and whose parent is on its way, stays", arguments: [false, true])
  func parentComes(archives: Bool) async throws {
    let fixture = try await Fixture(DuplicateTests.family)
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    try await other.query("SELECT FROM e.c WHERE id = 60 FOR UPDATE")
    try await other.query("INSERT INTO e.p VALUES (60, 60)")
    let result = try await fixture.maintain(DuplicateTests.orphans + (archives ? #", "archive": true"# : ""))
    #expect(result.rows == 50 && result.outcome == .kept, "\(result)")
    try await other.query("COMMIT")
    await other.close()
    #expect(try await fixture.psql("SELECT count(*) FROM e.c WHERE x = 60") == "1")
  }

  @Test("A file none of whose rows was deleted does not stay in the lake", arguments: [true, false])
  func useless(fails: Bool) async throws {
    let fixture = try await Fixture(
      DeletionTests.rows + """
        CREATE FUNCTION e.no() RETURNS trigger LANGUAGE plpgsql AS
          $$BEGIN \(fails ? "RAISE EXCEPTION 'no'" : "RETURN NULL"); END$$;
        CREATE TRIGGER no BEFORE DELETE ON e.t FOR EACH ROW EXECUTE FUNCTION e.no();
        """)
    let result = try await fixture.maintain(DeletionTests.plain + #", "archive": true"#)
    #expect(result.outcome == (fails ? .failed : .kept) && result.rows == 0 && result.archives == [], "\(result)")
    #expect(!fixture.files.contains { $0.contains(".deleted.") })
    #expect(try await fixture.count("e.t") == 1002)
  }

  @Test("A file that goes from the lake while its rows are deleted keeps the rest of them")
  func fileGoes() async throws {
    var fixture = try await Fixture(DeletionTests.rows)
    let directory = fixture.directory
    var store = HookedStore(fixture.lake)
    store.publish = { writer, name, condition in
      let entry = try await writer.publish(as: name, condition: condition)
      if "\(name)".contains("operations/") {
        for file in FileManager.default.subpaths(atPath: directory.path) ?? [] where file.hasSuffix("Z.csv.gz") {
          try FileManager.default.removeItem(atPath: directory.file(file))
        }
      }
      return entry
    }
    fixture.lake = store
    let result = try await fixture.maintain(
      DeletionTests.plain.replacing(#""pause": "0ms""#, with: #""pause": "1100ms""#)
        + #", "archive": true, "batch_rows": 100"#)
    #expect(result.outcome == .kept && result.reason == "no_archive" && result.rows == 100, "\(result)")
  }

  @Test("A task that did not begin on its day, for want of time, begins on the next one")
  func notBegun() async throws {
    var fixture = try await Fixture(DeletionTests.rows)
    let task = "{\(DeletionTests.plain), \"schedule\": \"weekly: wednesday\"}"
    let late = try await fixture.maintenanceJob(task).run(MaintenanceRequest(), deadline: fixture.now()).tasks[0]
    #expect(late.outcome == .stopped && late.reason == "budget" && late.rows == 0, "\(late)")
    fixture.now = { Date(timeIntervalSince1970: 1_704_888_000 + 86_400) }
    let next = try await fixture.maintenanceJob(task).run(MaintenanceRequest()).tasks[0]
    #expect(next.outcome == .ok && next.rows == 761, "\(next)")
  }

  @Test("A task that was stopped on its day goes on on the next one, and then waits for its day again")
  func nextDay() async throws {
    var fixture = try await Fixture(DeletionTests.rows)
    let clock = SteppingClock(after: 12)
    fixture.now = { clock.now }
    // 2024-01-10 is a Wednesday.
    let task = "{\(DeletionTests.plain), \"batch_rows\": 50, \"budget\": \"1h\", \"schedule\": \"weekly: wednesday\"}"
    let first = try await fixture.maintenanceJob(task).run(MaintenanceRequest()).tasks[0]
    #expect(first.outcome == .stopped && first.rows > 0, "\(first)")
    fixture.now = { Date(timeIntervalSince1970: 1_704_888_000 + 86_400) }
    let second = try await fixture.maintenanceJob(task).run(MaintenanceRequest()).tasks[0]
    #expect(second.outcome == .ok && first.rows + second.rows == 761, "\(second)")
    let third = try await fixture.maintenanceJob(task).run(MaintenanceRequest()).tasks[0]
    #expect(third.outcome == .notDue, "\(third)")
  }

  @Test("A dry run needs no turn, and rights that are missing on a partition are told before a row goes")
  func dryRun() async throws {
    let base = try await Fixture(
      """
      CREATE SCHEMA e; CREATE TABLE e.t (id int, at timestamptz) PARTITION BY RANGE (id);
      CREATE TABLE e.t1 PARTITION OF e.t DEFAULT; INSERT INTO e.t VALUES (1, '2024-01-01');
      GRANT USAGE ON SCHEMA e TO plain; GRANT SELECT, DELETE ON e.t TO plain;
      """)
    let password = ConnectionPools(passwords: FixedPassword(Secret(base.server.plainPassword)), maximum: 4)
    let fixture = Fixture(base, pools: password) { $0.server.user = "plain" }
    for isDry in [true, false] {
      let refused = try await fixture.maintain(DeletionTests.plain, dryRun: isDry)
      #expect(refused.error?.message.contains("GRANT SELECT, DELETE ON e.t1 TO plain") == true, "\(refused)")
    }
    try await fixture.psql("GRANT SELECT, DELETE ON e.t1 TO plain")
    let other = try await base.otherSession()
    let key = "(23580::int8 << 48) | (hashtextextended('sluice:maintenance:old', 0) & 281474976710655)"
    try await other.query("SELECT pg_advisory_lock(\(key))")
    #expect(try await fixture.maintain(DeletionTests.plain, dryRun: true).outcome == .planned)
    #expect(try await fixture.maintain(DeletionTests.plain).outcome == .skipped)
    await other.close()
  }

  @Test(
    "A chunk that is compressed while the task runs is passed over and told", .enabled(if: PostgresServer.hasTimescale),
    arguments: ["", #", "archive": true"#])
  func compressedMeanwhile(archive: String) async throws {
    var fixture = try await Fixture(
      """
      CREATE EXTENSION timescaledb; CREATE SCHEMA e; CREATE TABLE e.t (at timestamptz NOT NULL, id int);
      SELECT create_hypertable('e.t', 'at', chunk_time_interval => interval '1 day') \\g /dev/null
      INSERT INTO e.t SELECT '2024-01-01'::timestamptz + n * interval '1 hour', n FROM generate_series(0, 71) n;
      ALTER TABLE e.t SET (timescaledb.compress);
      """, server: try await PostgresServer.withTimescale())
    let (server, database) = (fixture.server, fixture.database)
    var store = HookedStore(fixture.lake)
    store.publish = { writer, name, condition in
      let entry = try await writer.publish(as: name, condition: condition)
      if "\(name)".contains("operations/") {
        try await server.psql(
          database,
          "SELECT compress_chunk(c, if_not_compressed => true) FROM (SELECT c FROM show_chunks('e.t') c ORDER BY c LIMIT 1 OFFSET 1) s \\g /dev/null\n"
        )
      }
      return entry
    }
    fixture.lake = store
    let result = try await fixture.maintain(DeletionTests.plain + #", "batch_rows": 10"# + archive)
    #expect(result.outcome == .kept && result.reason == "compressed" && result.rows == 48, "\(result)")
    #expect(try await fixture.count("e.t") == 24)
  }
}
