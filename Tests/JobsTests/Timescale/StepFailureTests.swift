import Database
import Essentials
import Foundation
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

/// Restores that are broken at a step: what was told, what is there, and how the next run ends.
@Suite(
  "Steps of restores that fail", .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed")
)
struct StepFailureTests {
  static let replace =
    "\"table\": \"events.clicks\", \"date\": \"2024-01-05\", \"destination\": {\"on_existing\": \"replace\"}"
  static let refresh = ", \"timescaledb\": {\"refresh_caggs\": \"all\"}"
  static let compress = MessageProxy.Statement(".compress_chunk(")
  static let hourly = """
    CREATE MATERIALIZED VIEW events.hourly WITH (timescaledb.continuous, timescaledb.materialized_only) AS
      SELECT time_bucket('1 hour', at) AS at, device, sum(value) AS value FROM events.clicks GROUP BY 1, 2 WITH NO DATA;
    """
  static let owed = "SELECT count(*) FROM sluice.restore_log WHERE owed IS NOT NULL"

  /// Archived readings of which a day was changed afterwards, with the hash of the rows as archived and now.
  struct Damaged {
    let fixture: Fixture
    let archived: String
    let now: String

    init(interval: String = "7 days", more: String = "", aggregate: Bool = false) async throws {
      fixture = try await Fixture.readings(interval: interval, more: (aggregate ? StepFailureTests.hourly : "") + more)
      try await fixture.archiveDays()
      if aggregate { try await fixture.psql("CALL refresh_continuous_aggregate('events.hourly', NULL, NULL)") }
      archived = try await fixture.hash()
      try await fixture.psql(
        """
        UPDATE events.clicks SET value = -1 WHERE at >= '2024-01-05 08:00+00' AND at < '2024-01-05 20:00+00';
        SELECT compress_chunk(c) FROM show_chunks('events.clicks') c;
        """)
      now = try await fixture.hash()
    }

    /// The fixture behind a proxy that cuts a connection.
    func cut(
      _ cut: MessageProxy.Cut, at statement: MessageProxy.Statement, isLast: Bool = false
    ) throws -> (Fixture, MessageProxy) {
      let proxy = try MessageProxy(to: fixture.server.port, cutting: cut, at: statement, isLast: isLast)
      return (fixture.with { $0.server.port = proxy.port }, proxy)
    }

    /// All is as promised, and nothing is owed.
    func expectWhole(_ states: String = "1") async throws {
      #expect(try await fixture.hash() == archived)
      #expect(try await fixture.chunkStates() == states)
      #expect(try await fixture.psql(StepFailureTests.owed) == "0")
      await fixture.pools.close()
    }
  }

  /// Each step is told once.
  func expectEachOnce(_ result: RestoreResult) {
    let told = result.steps.map { "\($0.name) \($0.name == .refresh || $0.name == .recompress ? $0.touched : [])" }
    #expect(told.count == Set(told).count, "\(told)")
    #expect(result.steps.allSatisfy { ($0.status == .failed) == ($0.code != nil) })
  }

  @Test(
    "A connection that breaks before or in the compression after the commit leaves a partial result and a load to resume",
    arguments: [MessageProxy.Cut.beforeCommit, .afterCommit, .beforeAnswer])
  func recompress(cut: MessageProxy.Cut) async throws {
    let damaged = try await Damaged(aggregate: true)
    let (broken, proxy) = try damaged.cut(cut, at: Self.compress)
    let result = try await broken.restoreOne(Self.replace + Self.refresh)
    #expect(proxy.isCut)
    #expect(result.status == .partial)
    expectEachOnce(result)
    #expect(result.step(.commit)?.status == .done)
    #expect(result.step(.recompress)?.code == .databaseUnavailable)
    #expect(result.step(.refresh)?.code == .databaseUnavailable)
    #expect(try await damaged.fixture.hash() == damaged.archived)
    let load = try #require(result.load)
    #expect(try await damaged.fixture.psql(Self.owed) == "1")
    let report = try await damaged.fixture.restoreJob().resume(load: load)
    #expect(report.status == .ok, "\(report.results)")
    try await damaged.expectWhole()
    proxy.stop()
  }

  @Test("A connection that breaks in the refresh leaves the aggregate owed, and the next restore refreshes it")
  func refresh() async throws {
    let damaged = try await Damaged(aggregate: true)
    let before = try await damaged.fixture.hash("events.hourly")
    try await damaged.fixture.psql("CALL refresh_continuous_aggregate('events.hourly', NULL, NULL)")
    #expect(try await damaged.fixture.hash("events.hourly") != before)
    let (broken, proxy) = try damaged.cut(.beforeCommit, at: .init("CALL "))
    let result = try await broken.restoreOne(Self.replace + Self.refresh)
    #expect(result.status == .partial)
    #expect(result.step(.recompress)?.status == .done)
    #expect(result.step(.refresh)?.code == .databaseUnavailable)
    #expect(try await damaged.fixture.hash("events.hourly") != before)
    // It has another day; the debts of the table are paid before it.
    _ = try await damaged.fixture.restoreOne(Self.replace.replacing("01-05", with: "01-04"))
    #expect(try await damaged.fixture.hash("events.hourly") == before)
    try await damaged.expectWhole()
    proxy.stop()
  }

  @Test("A connection that breaks while the commit is flushed is asked for, and each step is told once")
  func flush() async throws {
    let damaged = try await Damaged()
    let (broken, proxy) = try damaged.cut(.beforeAnswer, at: .init("pg_logical_emit_message"))
    let result = try await broken.restoreOne(Self.replace)
    #expect(proxy.isCut)
    #expect(result.status == .ok, "\(result)")
    #expect(result.warnings.contains { $0.contains("confirmed the commit") }, "\(result.warnings)")
    expectEachOnce(result)
    try await damaged.expectWhole()
    proxy.stop()
  }

  @Test("A COMMIT that did not reach the server leaves rows and chunks as they were, and is the step that failed")
  func commit() async throws {
    let damaged = try await Damaged()
    let (broken, proxy) = try damaged.cut(.beforeCommit, at: .commitOfLoad)
    let error = await #expect(throws: JobError.self) { _ = try await broken.restore(Self.replace) }
    #expect(proxy.isCut)
    guard case .array(let steps)? = error?.details["steps"] else {
      Issue.record("the error has no steps")
      return
    }
    #expect(steps.compactMap(\.object).filter { $0["status"] == "failed" }.map { $0["name"] } == ["commit"])
    #expect(try await damaged.fixture.hash() == damaged.now)
    #expect(try await damaged.fixture.chunkStates() == "1")
    #expect(try await damaged.fixture.psql("SELECT count(*) FROM sluice.restore_log") == "0")
    _ = try await damaged.fixture.restoreOne(Self.replace)
    try await damaged.expectWhole()
    proxy.stop()
  }

  @Test("A commit of which nobody knows owes its steps all the same")
  func unknownCommit() async throws {
    let damaged = try await Damaged()
    let (broken, proxy) = try damaged.cut(.beforeAnswer, at: .commitOfLoad, isLast: true)
    let result = try #require(try await broken.restore(Self.replace).results.first)
    #expect(proxy.isCut)
    #expect(result.status == .unconfirmed)
    #expect(result.step(.commit)?.code == .commitUnknown)
    #expect(try await damaged.fixture.chunkStates() == "0")
    #expect(try await damaged.fixture.restoreJob().resume(load: nil).status == .ok)
    try await damaged.expectWhole()
  }

  @Test("The end of the owed steps is written over another connection where the first one breaks")
  func endOfSteps() async throws {
    let damaged = try await Damaged()
    let statement = MessageProxy.Statement("UPDATE sluice.restore_log", after: ".compress_chunk(")
    let (broken, proxy) = try damaged.cut(.beforeCommit, at: statement)
    #expect(try await broken.restoreOne(Self.replace).status == .ok)
    #expect(proxy.isCut)
    try await damaged.expectWhole()
    proxy.stop()
  }

  @Test("A chain that ends after its loads leaves its debts to the next restore into the table")
  func chain() async throws {
    let damaged = try await Damaged()
    let (broken, proxy) = try damaged.cut(.beforeCommit, at: Self.compress, isLast: true)
    let report = try await broken.restore("\(Fixture.fourDays), \"destination\": {\"on_existing\": \"replace\"}")
    #expect(proxy.isCut)
    #expect(report.status == .partial)
    #expect(report.results.map(\.status) == [.partial, .ok, .ok, .ok])
    report.results.forEach(expectEachOnce)
    #expect(try await damaged.fixture.chunkStates() == "0")
    #expect(try await damaged.fixture.psql(Self.owed) == "1")
    let next = try await damaged.fixture.restoreOne(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-06\", \"destination\": {\"on_existing\": \"skip\"}")
    #expect(next.status == .skipped)
    try await damaged.expectWhole()
  }

  @Test("A step on an aggregate that was dropped meanwhile is skipped, and owed no longer")
  func droppedAggregate() async throws {
    let damaged = try await Damaged(aggregate: true)
    let (broken, proxy) = try damaged.cut(.beforeCommit, at: .init("CALL "))
    let load = try #require(try await broken.restoreOne(Self.replace + Self.refresh).load)
    try await damaged.fixture.psql("DROP MATERIALIZED VIEW events.hourly")
    let report = try await damaged.fixture.restoreJob().resume(load: load)
    #expect(report.status == .ok)
    #expect(report.results.first?.step(.refresh)?.status == .skipped)
    #expect(report.results.first?.step(.refresh)?.detail == "it is not there any more")
    try await damaged.expectWhole()
    proxy.stop()
  }

  @Test("Steps of a table-day that another run works on are told as already_running, and stay owed")
  func busy() async throws {
    let damaged = try await Damaged()
    let (broken, proxy) = try damaged.cut(.beforeCommit, at: Self.compress)
    let load = try #require(try await broken.restoreOne(Self.replace).load)
    let other = try await damaged.fixture.otherSession()
    let day = TableDay(
      database: damaged.fixture.database, table: .init(schema: "events", name: "clicks"),
      day: try #require(Day("2024-01-05")))
    try await TableDayLock.hold(.init(day), on: other) {
      let report = try await damaged.fixture.restoreJob().resume(load: load)
      #expect(report.status == .failed)
      #expect(report.results.first?.error?.code == .alreadyRunning)
      #expect(try await damaged.fixture.psql(Self.owed) == "1")
      #expect(try await damaged.fixture.chunkStates() == "0")
    }
    await other.close()
    #expect(try await damaged.fixture.restoreJob().resume(load: load).status == .ok)
    try await damaged.expectWhole()
    proxy.stop()
  }

  @Test("A trigger that raises at the COMMIT leaves rows, chunks and jobs as they were, and no hold")
  func raisesAtCommit() async throws {
    let damaged = try await Damaged()
    let fixture = damaged.fixture
    let hold = ", \"keep_until\": \"2999-01-01\", \"pause_jobs\": true"
    try await fixture.psql(
      "SELECT add_retention_policy('events.clicks', interval '30 days', initial_start => now() + interval '1 day')")
    // A hypertable takes no constraint trigger.
    try await fixture.psql(
      """
      CREATE TABLE events.noted (at timestamptz);
      CREATE FUNCTION events.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
      CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON events.noted DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION events.refuse();
      CREATE FUNCTION events.note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO events.noted VALUES (NEW.at); RETURN NEW; END $$;
      CREATE TRIGGER note BEFORE INSERT ON events.clicks FOR EACH ROW EXECUTE FUNCTION events.note();
      """)
    let error = await #expect(throws: JobError.self) { _ = try await fixture.restore(Self.replace + hold) }
    guard case .array(let steps)? = error?.details["steps"] else {
      Issue.record("the error has no steps")
      return
    }
    #expect(steps.compactMap(\.object).filter { $0["status"] == "failed" }.map { $0["name"] } == ["commit"])
    #expect(try await fixture.hash() == damaged.now)
    #expect(try await fixture.chunkStates() == "1")
    #expect(try await fixture.psql(HoldTests.scheduled) == "true")
    #expect(try await fixture.psql("SELECT count(*) FROM sluice.hold") == "0")
    try await fixture.psql("DROP FUNCTION events.refuse, events.note CASCADE")
    #expect(try await fixture.restoreOne(Self.replace + hold).status == .ok)
    #expect(try await fixture.psql(HoldTests.scheduled) == "false")
    try await damaged.expectWhole()
  }
}
