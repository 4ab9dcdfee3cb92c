import Foundation
import TestSupport
import Testing

@testable import Postgres

@Suite("COPY in and out") struct CopyTests {
  func read(_ copy: CopyOut) async throws -> (bytes: [UInt8], rows: Int, chunks: Int) {
    var bytes: [UInt8] = []
    var rows = 0
    var chunks = 0
    while let chunk = try await copy.next() {
      bytes += chunk.bytes
      rows += chunk.rowEnds.count
      chunks += 1
    }
    return (bytes, rows, chunks)
  }

  @Test("COPY out gives whole rows and the server's count")
  func copyOutGivesWholeRowsAndTheServersCount() async throws {
    let connection = try await PostgresServer.shared.connect()
    let copy = try await connection.copyOut(
      "COPY (SELECT i, E'line\\nbreak' AS t FROM generate_series(1, 50000) i) TO STDOUT (FORMAT csv, HEADER)",
      chunkBytes: 10_000)
    var rows = 0
    while let chunk = try await copy.next() {
      rows += chunk.rowEnds.count
      // A row ends with the newline after its closing quote.
      #expect(String(decoding: chunk.bytes.suffix(2), as: UTF8.self) == (rows == 1 ? "t\n" : "\"\n"))
    }
    #expect(rows == 50_001)
    #expect(await copy.reportedRows() == 50_000)
    #expect(await connection.isUsable())
    await connection.close()
  }

  @Test("COPY out that fails half-way throws after its first rows")
  func copyOutThatFailsHalfWayThrowsAfterItsFirstRows() async throws {
    let connection = try await PostgresServer.shared.connect()
    let copy = try await connection.copyOut(
      "COPY (SELECT 1000 / (20000 - i), repeat('x', 100) FROM generate_series(1, 30000) i) TO STDOUT (FORMAT csv)")
    var rows = 0
    let error = await #expect(throws: PostgresError.self) {
      while let chunk = try await copy.next() { rows += chunk.rowEnds.count }
    }
    #expect(error?.sqlState == "22012")
    #expect(rows > 0)
    #expect(await copy.reportedRows() == nil)
    #expect(await connection.isUsable())
    await connection.close()
  }

  @Test("COPY out of a statement that is not a COPY is refused")
  func copyOutOfWhatIsNoCopyIsRefused() async throws {
    let connection = try await PostgresServer.shared.connect()
    await #expect(throws: PostgresError.self) { try await connection.copyOut("COPY nowhere TO STDOUT") }
    #expect(await connection.isUsable())
    await connection.close()
  }

  @Test("A reader that stops early does not spoil the connection for the next caller of the pool")
  func aReaderThatStopsEarlyDoesNotSpoilThePool() async throws {
    let server = try await PostgresServer.shared
    let pool = ConnectionPool(target: server.target(), passwords: FixedPassword(nil), maximum: 1)
    let marker = "early-\(UUID().uuidString)"
    try await pool.withConnection { connection in
      let copy = try await connection.copyOut(
        "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 10000000)) TO STDOUT /* \(marker) */")
      _ = try await copy.next()
    }
    try await eventually { try await server.running(marker) == 0 }
    let one = try await pool.withConnection { try await $0.query("SELECT 1 AS n").rows[0].decode("n", as: Int.self) }
    #expect(one == 1)
    await pool.close()
  }

  @Test("Cancelling a COPY out ends it on the server")
  func cancellingACopyOutEndsItOnTheServer() async throws {
    let server = try await PostgresServer.shared
    let pool = ConnectionPool(target: server.target(), passwords: FixedPassword(nil), maximum: 1)
    let marker = "cancel-\(UUID().uuidString)"
    let task = Task {
      try await pool.withConnection { connection in
        try await connection.withTransaction { connection in
          let copy = try await connection.copyOut(
            "COPY (SELECT i, pg_sleep(0.001) FROM generate_series(1, 10000000) i) TO STDOUT /* \(marker) */",
            chunkBytes: 64)
          while try await copy.next() != nil {}
        }
      }
    }
    try await eventually { try await server.running(marker) == 1 }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    try await eventually { try await server.running(marker) == 0 }
    await pool.close()
  }

  @Test("COPY in stores what COPY out gave")
  func copyInStoresWhatCopyOutGave() async throws {
    let server = try await PostgresServer.shared
    let database = try await server.makeDatabase()
    let connection = try await server.connect(database)
    try await connection.query(
      "CREATE TABLE a AS SELECT i, repeat(E'\"ä,\\n', i % 50) AS t FROM generate_series(1, 20000) i; ")
    try await connection.query("CREATE TABLE b (LIKE a)")
    let out = try await read(connection.copyOut("COPY a TO STDOUT (FORMAT csv)"))
    #expect(out.chunks > 1)
    let stored = try await connection.withTransaction { connection in
      let copy = try await connection.copyIn("COPY b FROM STDIN (FORMAT csv)")
      for start in stride(from: 0, to: out.bytes.count, by: 70_001) {
        try await copy.write(Array(out.bytes[start..<min(start + 70_001, out.bytes.count)]))
      }
      return try await copy.finish()
    }
    #expect(stored == 20_000)
    #expect(try await server.psql(database, "SELECT count(*) FROM (TABLE a EXCEPT TABLE b) x") == "0")
    await connection.close()
  }

  @Test("A refused row ends the writing, and finish tells why; a notice of a trigger ends nothing")
  func ended() async throws {
    let server = try await PostgresServer.shared
    let database = try await server.makeDatabase()
    let connection = try await server.connect(database)
    try await connection.query("CREATE TABLE t (n int)")
    let copy = try await connection.copyIn("COPY t FROM STDIN (FORMAT csv)")
    await #expect(throws: CopyIn.Ended.self) {
      for _ in 0..<10_000 {
        try await copy.write(Array("x\n".utf8))
        try await Task.sleep(for: .milliseconds(1))
      }
    }
    let error = await #expect(throws: PostgresError.self) { _ = try await copy.finish() }
    #expect(error?.sqlState == "22P02")
    #expect(await connection.isUsable())

    try await server.psql(
      database,
      """
      CREATE FUNCTION notify() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'row %', NEW.n;
        RAISE INFO '%', repeat('x', 1 + NEW.n % 5 * 20000); RETURN NEW; END $$;
      CREATE TRIGGER notify BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION notify();
      """)
    let noticed = try await connection.copyIn("COPY t FROM STDIN (FORMAT csv)")
    for number in 0..<200 {
      try await noticed.write(Array("\(number)\n".utf8))
      try await Task.sleep(for: .milliseconds(1))
    }
    #expect(try await noticed.finish() == 200)
    await connection.close()
  }

  @Test("Aborting a COPY returns even when the server takes no cancel request")
  func cancelUnanswered() async throws {
    let server = try await PostgresServer()
    let connection = try await server.connect()
    try await connection.query("CREATE TABLE t (n int)")
    let postmaster = try #require(server.postmaster)
    let copy = try await connection.copyIn("COPY t FROM STDIN (FORMAT csv)")
    try await copy.write(Array("1\n".utf8))
    kill(postmaster, SIGSTOP)
    // The request waits in the queue of a process that stands still; without a limit this would never return.
    await connection.abortCopyIn(reason: "enough")
    kill(postmaster, SIGCONT)
    // The request may arrive now, so this session is of no further use.
    await connection.close()
    let other = try await server.connect()
    #expect(try await other.query("SELECT count(*) AS n FROM t").rows[0].decode("n", as: Int.self) == 0)
    await other.close()
    await server.stopAndWait()
  }

  @Test("A malformed row is told by its line, and its text stays out of the message")
  func aMalformedRowNamesItsLineAndKeepsItsTextOutOfTheMessage() async throws {
    let server = try await PostgresServer.shared
    let database = try await server.makeDatabase()
    let connection = try await server.connect(database)
    try await connection.query("CREATE TABLE t (n int, s text)")
    let error = await #expect(throws: PostgresError.self) {
      try await connection.withTransaction { connection in
        let copy = try await connection.copyIn("COPY t FROM STDIN (FORMAT csv)")
        do {
          try await copy.write(Array("1,a\n2,private,private\n".utf8))
        } catch is CopyIn.Ended {
          // The server was quicker; `finish` has its error.
        }
        _ = try await copy.finish()
      }
    }
    guard case .server(let serverError) = error else { return #expect(Bool(false), "\(error as Any)") }
    #expect(serverError.sqlState == "22P04")
    #expect(serverError.copyLine == 2)
    #expect("\(serverError)".contains("private") == false)
    #expect(await connection.isUsable())
    #expect(try await server.psql(database, "SELECT count(*) FROM t") == "0")
    await connection.close()
  }

  @Test("A COPY in that is abandoned stores nothing")
  func anAbandonedCopyInStoresNothing() async throws {
    let server = try await PostgresServer.shared
    let database = try await server.makeDatabase()
    let connection = try await server.connect(database)
    try await connection.query("CREATE TABLE t (n int)")
    struct Broken: Error {}
    await #expect(throws: Broken.self) {
      try await connection.withTransaction { connection in
        let copy = try await connection.copyIn("COPY t FROM STDIN (FORMAT csv)")
        try await copy.write(Array("1\n2\n".utf8))
        throw Broken()
      }
    }
    #expect(try await connection.query("SELECT 1").rows.count == 1)
    #expect(try await server.psql(database, "SELECT count(*) FROM t") == "0")
    await connection.close()
  }

  @Test("Abandoning a COPY in does not wait for the lock that its rows wait for")
  func abandoningACopyInDoesNotWaitForTheLockThatItsRowsWaitFor() async throws {
    let server = try await PostgresServer.shared
    let database = try await server.makeDatabase()
    try await server.psql(
      database,
      """
      CREATE TABLE t (n int);
      CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END';
      CREATE TRIGGER stop BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION stop();
      """)
    let holder = try await server.connect(database)
    try await holder.query("SELECT pg_advisory_lock(7)")
    let connection = try await server.connect(database)
    try await connection.query("BEGIN")
    let copy = try await connection.copyIn("COPY t FROM STDIN (FORMAT csv)")
    try await copy.write(Array("1\n2\n".utf8))
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(database)' AND wait_event_type = 'Lock'"
    try await eventually { try await server.psql("postgres", waiting) == "1" }
    // It comes back while the lock is held; what only the lock's end could free would stand here for ever.
    await connection.rollBack()
    try await eventually { try await server.psql("postgres", waiting) == "0" }
    await connection.close()
    await holder.close()
    #expect(try await server.psql(database, "SELECT count(*) FROM t") == "0")
  }

  @Test("A server that stops during a COPY is a connection failure")
  func aServerThatStopsDuringACopyIsAConnectionFailure() async throws {
    let server = try await PostgresServer()
    let connection = try await server.connect()
    let copy = try await connection.copyOut(
      "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000000)) TO STDOUT")
    let error = await #expect(throws: PostgresError.self) {
      var rows = 0
      while let chunk = try await copy.next() {
        if rows == 0 { server.stop() }
        rows += chunk.rowEnds.count
      }
    }
    #expect(error?.isConnectionFailure == true)
    #expect(await connection.isUsable() == false)
    await connection.close()
  }
}
