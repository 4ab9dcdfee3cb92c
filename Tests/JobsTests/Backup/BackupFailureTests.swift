import Configuration
import Database
import Foundation
import Jobs
import Lake
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Reporting

@Suite("Backups that fail")
struct BackupFailureTests {
  /// More than every buffer on the way holds.
  static let big = """
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, at timestamptz, note text);
    INSERT INTO events.clicks SELECT i, '2024-01-01', repeat(md5(i::text), 20) FROM generate_series(1, 60000) i;
    """

  /// A session of another process that holds the lock on a table-day.
  func holdingLock<Result>(_ fixture: Fixture, _ body: () async throws -> Result) async throws -> Result {
    let other = try await PostgresConnection.connect(to: fixture.settings.server.target(), password: nil)
    try await other.query(
      "SELECT pg_advisory_lock((23580::int8 << 48) | (hashtextextended($1, 0) & 281474976710655))",
      ["sluice:\(fixture.database)/events.clicks 2024-01-01"])
    let result = try await body()
    await other.close()
    return result
  }

  @Test("A table-day that another run works on is refused")
  func locked() async throws {
    let fixture = try await Fixture()
    try await holdingLock(fixture) {
      let error = try await fixture.backupError()
      #expect(error.code == .alreadyRunning)
      #expect(error.code.kind == .conflict)
      #expect(error.message.contains("events.clicks of 2024-01-01"))
      // Who holds it is named.
      #expect(error.message.contains(/pid [0-9]+ \(role postgres, sluice, for [0-9]+ s\)/))
      #expect(fixture.files == [])
      // Another day is nobody's.
      #expect(try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-02\"").status == .ok)
    }
    try await eventually { try await fixture.backupOne().status == .ok }
  }

  @Test("Of two runs of one table-day at once, exactly one archives it")
  func twoRuns() async throws {
    var fixture = try await Fixture()
    let gate = Gate()
    let plain = fixture
    fixture.lake = HookedStore.gated(fixture.lake, gate)
    let gated = fixture
    let first = Task { try await gated.backupOne() }
    try await eventually { gate.isReached }
    #expect(try await plain.backup().results[0].error?.code == .alreadyRunning)
    gate.open()
    #expect(try await first.value.status == .ok)
    // The lock is given back with the archive in its place.
    #expect(try await plain.backupOne().skipped == "exists")
    #expect(
      try await plain.psql(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
          + " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == "0")
  }

  @Test("A run that waits for its table already holds the lock of its table-day")
  func waiting() async throws {
    let fixture = try await Fixture()
    // Blocks the run after its lock, before its first row.
    let other = try await PostgresConnection.connect(to: fixture.settings.server.target(), password: nil)
    try await other.query("BEGIN")
    try await other.query("LOCK TABLE events.clicks")
    let run = Task { try await fixture.backupOne() }
    try await eventually {
      try await fixture.psql(
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted"
          + " AND a.datname = current_database()") == "1"
    }
    #expect(try await fixture.backup().results[0].error?.code == .alreadyRunning)
    try await other.query("ROLLBACK")
    #expect(try await run.value.rows == 3)
    await other.close()
  }

  @Test("As many table-days run at a time as BACKUP_CONCURRENCY allows")
  func concurrency() async throws {
    var fixture = try await Fixture(settings: ["BACKUP_CONCURRENCY": "3"])
    let other = try await Fixture(other: fixture)
    let gate = Gate()
    // From its first bytes, those of a gzip file, to its publication an archive is under way.
    let underWay = Mutex((now: 0, most: 0))
    var store = HookedStore(fixture.lake)
    store.append = { writer, bytes in
      if bytes.starts(with: [0x1F, 0x8B]) {
        underWay.withLock {
          $0.now += 1
          $0.most = max($0.most, $0.now)
        }
      }
      try await writer.append(bytes)
      try await gate.pass()
    }
    store.publish = { writer, path, condition in
      if path.name.hasSuffix(".gz") { underWay.withLock { $0.now -= 1 } }
      return try await writer.publish(as: path, condition: condition)
    }
    fixture.lake = store
    let gated = fixture
    let run = Task {
      try await gated.backup(
        "\"table\": \"events.clicks:at\", \"from\": \"2023-12-29\", \"to\": \"2024-01-02\", \"empty\": \"archive\"")
    }
    try await eventually { underWay.withLock { $0.now } >= 3 }
    // A fourth would be under way by the time that another backup has gone from its start to its end.
    #expect(
      try await other.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-05\", \"empty\": \"archive\"")
        .status == .ok)
    gate.open()
    #expect(try await run.value.results.map(\.rows) == [0, 0, 1, 3, 1])
    #expect(underWay.withLock { $0.most } == 3)
  }

  @Test("A cancelled backup leaves nothing in the lake")
  func cancelled() async throws {
    var fixture = try await Fixture(Self.big)
    let gate = Gate()
    let plain = fixture
    fixture.lake = HookedStore.gated(fixture.lake, gate)
    let gated = fixture
    let run = Task { try await gated.backup() }
    try await eventually { gate.isReached }
    #expect(plain.temporaries.count == 1)
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(plain.files == [])
    try await eventually {
      try await plain.psql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'"
          + " AND state <> 'idle'") == "0"
    }
    #expect(try await plain.backupOne().rows == 60_000)
  }

  @Test("A server that stops during the copy fails the backup, and nothing is left in the lake")
  func serverStops() async throws {
    let server = try await PostgresServer()
    var fixture = try await Fixture(Self.big, server: server)
    let gate = Gate()
    fixture.lake = HookedStore.gated(fixture.lake, gate)
    let gated = fixture
    let run = Task { try await gated.backupOne() }
    try await eventually { gate.isReached }
    await server.stopAndWait()
    gate.open()
    let result = try await run.value
    #expect(result.status == .failed)
    #expect(result.error?.code == .databaseUnavailable)
    #expect(result.error?.code.kind == .unavailable)
    #expect(fixture.files == [])
  }

  @Test("A server that cannot be reached is an error that says so")
  func unreachable() async throws {
    var fixture = try await Fixture()
    fixture.settings.server.port = try PostgresServer.freePort()
    let error = try await fixture.backupError()
    #expect(error.code == .databaseUnavailable)
    #expect(error.message.contains("Check PG_HOST, PG_PORT"))
  }

  @Test("The error of a wrong password does not contain the password")
  func wrongPassword() async throws {
    let server = try await PostgresServer.shared
    let fixture = try await Fixture(settings: ["PG_USER": server.plainUser], password: "hunter2")
    let error = try await fixture.backupError()
    #expect(error.code == .databaseSignInFailed)
    #expect(!"\(error)".contains("hunter2"))
    #expect(error.message.contains("PG_PASSWORD"))
  }

  @Test("A database that does not exist is an error that names it")
  func noDatabase() async throws {
    var fixture = try await Fixture()
    fixture.settings.server.database = "nowhere"
    let error = try await fixture.backupError()
    #expect(error.code == .databaseNotFound)
    #expect(error.code.kind == .notFound)
  }

  @Test("A full lake fails the backup, and nothing is left in it", .enabled(if: mayMount))
  func full() async throws {
    let fixture = try await Fixture(Self.big)
    try await withTmpfs(on: fixture.directory.path, "size=256k") {
      let error = try await fixture.backupError()
      #expect(error.code == .lakeFull)
      #expect(error.code.kind == .full)
      #expect(error.message.contains("make room"))
      #expect(fixture.files == [])
      #expect(fixture.temporaries == [])
    }
    #expect(try await fixture.backupOne().rows == 60_000)
  }

  @Test("A read-only lake fails the backup with an error that says so", .enabled(if: mayMount))
  func readOnly() async throws {
    let fixture = try await Fixture()
    try await withTmpfs(on: fixture.directory.path, "size=256k") {
      try await remountReadOnly(fixture.directory.path)
      let error = try await fixture.backupError()
      #expect(error.code == .lakeReadOnly)
      #expect(error.code.kind == .unavailable)
      #expect(fixture.files == [])
    }
  }

  @Test("The error of a row that the server cannot send does not contain its values")
  func unreadableRow() {
    let error = JobError(
      cause: PostgresError.server(
        ServerError(sqlState: "22P02", message: "invalid input syntax for type integer: \"private\"")))
    #expect(error.code == .badRow)
    #expect(!"\(error)".contains("private"))
  }

  @Test("A session that ends while the archive is published does not fail the backup")
  func sessionEndsLate() async throws {
    var fixture = try await Fixture()
    let gate = Gate()
    fixture.lake = HookedStore.publishingAtGate(fixture.lake, gate)
    let gated = fixture
    let backup = Task { try await gated.backupOne() }
    try await eventually { gate.isReached }
    try await fixture.psql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(fixture.database)' AND application_name = 'sluice'"
    )
    gate.open()
    let result = try await backup.value
    #expect(result.status == .ok, "\(result.error as Any)")
    #expect(fixture.files.count == 2)
  }
}
