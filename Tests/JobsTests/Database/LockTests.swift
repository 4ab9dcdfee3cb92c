import Configuration
import Foundation
import Lake
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Database
@testable import Jobs
@testable import Reporting

/// Tables that another session holds.
@Suite("Locks that other sessions hold")
struct LockTests {
  /// A session that holds `table` exclusively, in a transaction.
  func holding(_ fixture: Fixture, _ table: String = "events.clicks") async throws -> PostgresConnection {
    let other = try await fixture.otherSession("migration")
    try await other.query("BEGIN")
    try await other.query("LOCK TABLE \(table) IN ACCESS EXCLUSIVE MODE")
    return other
  }

  /// Waits until a job has given up its first attempt and waits for `events.clicks` in the queue.
  private func waitUntilQueued(_ fixture: Fixture) async throws {
    let place = LockQueue.Place(
      target: try fixture.settings.server.target(), table: .init(schema: "events", name: "clicks"))
    try await eventually { fixture.context.sessions.lockQueue.holders(of: place) != nil }
  }

  @Test(
    "A table that stays locked fails the job after PG_LOCK_TIMEOUT_SECONDS, with who holds it and for how long",
    arguments: ["1", "6"])
  func backup(seconds: String) async throws {
    let fixture = try await Fixture(settings: ["PG_LOCK_TIMEOUT_SECONDS": seconds])
    let other = try await holding(fixture)
    let pid = await other.backendProcessID
    let holder = "pid \(pid) (role postgres, migration, for "
    var last: JobError?
    // Within one second there is one look at who holds the lock, which a machine under load may not finish in time.
    for _ in 0..<(seconds == "1" ? 10 : 1) {
      let error = try await fixture.backupError()
      #expect(error.code == .locked)
      #expect(error.code.kind == .conflict)
      #expect(error.message.contains("PG_LOCK_TIMEOUT_SECONDS is \(seconds)"))
      #expect(fixture.files == [])
      last = error
      if error.message.contains(holder) { break }
    }
    #expect(last?.message.contains(holder) == true, "\(last as Any)")
    await other.close()
    try await eventually { try await fixture.backupOne().status == .ok }
  }

  @Test("A restore stops waiting for its table after the limit, and changes nothing", arguments: ["direct", "staging"])
  func restore(mode: String) async throws {
    let fixture = try await Fixture(settings: ["PG_LOCK_TIMEOUT_SECONDS": "6"])
    _ = try await fixture.backupOne()
    try await fixture.psql("TRUNCATE events.clicks")
    let other = try await holding(fixture)
    let error = try await fixture.restoreError(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"mode\": \"\(mode)\"}")
    #expect(error.code == .locked)
    #expect(error.message.contains("migration"))
    await other.close()
    #expect(try await fixture.count() == 0)
  }

  @Test("A locked partition does not stop a backup of another partition's day", arguments: [true, false])
  func otherPartition(isOwn: Bool) async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at timestamptz NOT NULL, note text) PARTITION BY RANGE (at);
      CREATE TABLE events.day1 PARTITION OF events.clicks FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-01-02 00:00+00');
      CREATE TABLE events.day2 PARTITION OF events.clicks FOR VALUES FROM ('2024-01-02 00:00+00') TO ('2024-01-03 00:00+00');
      INSERT INTO events.clicks SELECT i, '2024-01-01 10:00+00', 'x' FROM generate_series(1, 3) i;
      INSERT INTO events.clicks SELECT i, '2024-01-02 10:00+00', 'x' FROM generate_series(1, 5) i;
      """, settings: ["PG_LOCK_TIMEOUT_SECONDS": "3"])
    let other = try await holding(fixture, isOwn ? "events.day1" : "events.day2")
    let result = try await fixture.backup().results[0]
    if isOwn {
      #expect(result.error?.code == .locked)
    } else {
      #expect(result.rows == 3, "\(result.error as Any)")
      // Nor does it keep a load of another day.
      try await fixture.psql("DELETE FROM events.day1")
      #expect(try await fixture.restoreOne().rowsLoaded == 3)
    }
    await other.close()
  }

  @Test("An index that stays locked fails the job after the full limit, with who holds it")
  func index() async throws {
    let fixture = try await Fixture(
      Fixture.clicks + "CREATE INDEX byid ON events.clicks (id);", settings: ["PG_LOCK_TIMEOUT_SECONDS": "6"])
    let other = try await fixture.otherSession("migration")
    try await other.query("BEGIN")
    try await other.query("REINDEX INDEX events.byid")
    let error = try await fixture.backupError()
    #expect(error.code == .locked)
    #expect(error.message.contains("role postgres, migration, for "), "\(error)")
    #expect(error.message.contains("a lock on an index, a row or a partition of events.clicks is held by pid "))
    #expect(fixture.files == [])
    await other.close()
  }

  @Test("The progress says what a job waits for, and nothing once it goes on")
  func progress() async throws {
    let fixture = try await Fixture()
    let other = try await holding(fixture)
    let progress = JobProgress()
    let backup = Task { try await fixture.backup(progress: progress) }
    try await eventually { progress.reading.waitsFor?.contains("events.clicks is locked by pid") == true }
    await other.close()
    #expect(try await backup.value.status == .ok)
    #expect(progress.reading.waitsFor == nil)
  }

  @Test("A waiting job that is cancelled ends at once and leaves the queue")
  func cancel() async throws {
    let fixture = try await Fixture(settings: ["PG_LOCK_TIMEOUT_SECONDS": "3600"])
    let other = try await holding(fixture)
    let backup = Task { try await fixture.backup() }
    // Past the first second, with one of the connections for long waits.
    try await waitUntilQueued(fixture)
    try await fixture.waitUntilBlocked()
    backup.cancel()
    await #expect(throws: CancellationError.self) { _ = try await backup.value }
    try await fixture.waitUntilBlocked(0)
    #expect(fixture.files == [])
    await other.close()
  }

  @Test("Jobs that wait for a locked table stop neither other tables nor readiness")
  func others() async throws {
    // A pool of four, two at a time, and eight runs that wait.
    var fixture = try await Fixture(
      Fixture.clicks + "CREATE TABLE events.other AS TABLE events.clicks;",
      settings: ["PG_LOCK_TIMEOUT_SECONDS": "3600", "PG_POOL_MAX": "4"])
    fixture.admission = Admission(limit: 2)
    let shared = fixture
    let other = try await holding(fixture)
    let runs = (1...8).map { day in
      Task { try await shared.backup("\"table\": \"events.clicks:at\", \"date\": \"2024-01-0\(day)\"") }
    }
    try await eventually {
      try await shared.psql(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = '\(fixture.database)' AND wait_event_type = 'Lock'")
        == "t"
    }
    let result = try await fixture.backupOne("\"table\": \"events.other:at\", \"date\": \"2024-01-01\"")
    #expect(result.status == .ok)
    let probe = ReadinessProbe(
      [
        .database(fixture.settings.server, ConnectionPools(passwords: FixedPassword(nil), maximum: 1)),
        .lake(fixture.lake),
      ], patience: .seconds(60))
    #expect(await probe.readiness().checks?["postgres"]?.status == "ok")
    await probe.close()
    // Those that have waited and those that come get through together, though the waiting ones hold connections.
    let fresh = (2...5).map { day in
      Task { try await shared.backup("\"table\": \"events.other:at\", \"date\": \"2024-01-0\(day)\"") }
    }
    await other.close()
    for run in runs + fresh { #expect(try await run.value.status == .ok) }
  }

  @Test("The holder is named also while another table-day of the same job goes on")
  func severalTables() async throws {
    let fixture = try await Fixture(
      Fixture.clicks + """
        CREATE TABLE events.big (id int, at timestamptz, note text);
        INSERT INTO events.big SELECT i, '2024-01-01', repeat(md5(i::text), 30) FROM generate_series(1, 300000) i;
        """, settings: ["PG_LOCK_TIMEOUT_SECONDS": "6"])
    let other = try await holding(fixture)
    let report = try await fixture.backup(
      "\"tables\": [\"events.big:at\", \"events.clicks:at\"], \"date\": \"2024-01-01\", \"compression_level\": 9")
    #expect(report.results[0].status == .ok)
    #expect(report.results[1].error?.message.contains("role postgres, migration, for ") == true)
    await other.close()
  }

  @Test("Of many jobs that wait for one table, few hold a connection, and all end at the limit")
  func many() async throws {
    let fixture = try await Fixture(
      Fixture.clicks + "CREATE TABLE events.other AS TABLE events.clicks;",
      settings: ["PG_LOCK_TIMEOUT_SECONDS": "4", "PG_POOL_MAX": "4"])
    let other = try await holding(fixture)
    let first = Task { try await fixture.backup("\"table\": \"events.clicks:at\", \"date\": \"2023-01-01\"") }
    try await waitUntilQueued(fixture)
    let runs = (1...30).map { day in
      Task {
        try await fixture.backup("\"table\": \"events.clicks:at\", \"date\": \"2023-06-\(day < 10 ? "0" : "")\(day)\"")
      }
    }
    #expect(try await fixture.backupOne("\"table\": \"events.other:at\", \"date\": \"2024-01-01\"").status == .ok)
    for run in [first] + runs {
      let error = try await run.value.results[0].error
      #expect(error?.code == .locked)
      #expect(error?.message.contains(/waited [3-9] s/) == true, "\(error as Any)")
    }
    await other.close()
  }

  @Test("A table-day whose advisory lock another program holds is refused with who that is")
  func stranger() async throws {
    let fixture = try await Fixture()
    let other = try await fixture.otherSession("psql")
    try await other.query(
      "SELECT pg_advisory_lock((23580::int8 << 48) | (hashtextextended($1, 0) & 281474976710655))",
      ["sluice:\(fixture.database)/events.clicks 2024-01-01"])
    let error = try await fixture.backupError()
    #expect(error.code == .alreadyRunning)
    let pid = await other.backendProcessID
    #expect(error.message.contains("is held by pid \(pid) (role postgres, psql, "))
    #expect(error.message.contains("does not look like a run of this program"))
    // The key shows itself as this program's in pg_locks.
    #expect(
      try await fixture.psql(
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE locktype = 'advisory' "
          + "AND classid::int8 / 65536 = 23580 AND datname = '\(fixture.database)'") == "1")
    await other.close()
  }
}
