import Essentials
import Foundation
import TestSupport
import Testing

@testable import Postgres

extension PostgresServer {
  func target(_ database: String = "postgres", user: String? = nil) -> PostgresTarget {
    PostgresTarget(
      host: "127.0.0.1", port: port, database: database, user: user ?? superuser, sslMode: .disable)
  }

  func connect(_ database: String = "postgres") async throws -> PostgresConnection {
    try await PostgresConnection.connect(to: target(database), password: nil)
  }
}

@Suite("Connections and statements") struct ConnectionTests {
  @Test("A timer on the connection's queue is isolated to the connection")
  func aTimerOnTheConnectionsQueueIsAtHomeInIt() async throws {
    // The one that gives up on a server some seconds after a cancel; it must not end the process.
    let connection = try await PostgresServer.shared.connect()
    let isClosed = await withCheckedContinuation { continuation in
      connection.executor.queue.asyncAfter(deadline: .now()) {
        continuation.resume(returning: connection.assumeIsolated { $0.handle.isClosed })
      }
    }
    #expect(!isClosed)
    await connection.close()
  }

  @Test("A session that was closed meanwhile answers its job with an error")
  func aClosedSessionIsAnError() async throws {
    let connection = try await PostgresServer.shared.connect()
    await connection.close()
    let error = await #expect(throws: PostgresError.self) { try await connection.quoteLiteral("a") }
    #expect("\(try #require(error))".contains("it was closed"))
    await #expect(throws: PostgresError.self) { try await connection.quoteIdentifier("a") }
    await #expect(throws: PostgresError.self) { try await connection.query("SELECT 1") }
    #expect(await connection.serverVersion == 0)
    #expect(await connection.backendProcessID == 0)
    #expect(await connection.serverEncoding == "UTF8")
    #expect(await !connection.isUsable())
    await connection.close()
  }

  @Test("Values are decoded by their type, and another type is an error")
  func rowsAreDecodedByType() async throws {
    let connection = try await PostgresServer.shared.connect()
    let result = try await connection.query(
      """
      SELECT 42::int8 AS n, 'ä' || $1 AS t, true AS b, NULL::text AS nothing, 1.5::float8 AS d,
        '2024-02-29 12:34:56.25+02'::timestamptz AS at, ARRAY['a b', 'c"d', ''] AS list
      """, ["x"])
    let row = try #require(result.rows.first)
    #expect(try row.decode("n", as: Int.self) == 42)
    #expect(try row.decode("t", as: String.self) == "äx")
    #expect(try row.decode("b", as: Bool.self))
    #expect(try row.decodeIfPresent("nothing", as: String.self) == nil)
    #expect(try row.decode("d", as: Double.self) == 1.5)
    #expect(try row.decode("at", as: Date.self) == Date(timeIntervalSince1970: 1_709_202_896.25))
    #expect(try row.decode("list", as: [String].self) == ["a b", "c\"d", ""])
    #expect(throws: PostgresError.self) { try row.decode("t", as: Int.self) }
    #expect(throws: PostgresError.self) { try row.decode("nothing", as: String.self) }
    #expect(throws: PostgresError.self) { try row.decode("absent", as: String.self) }
    await connection.close()
  }

  @Test("Session settings are pinned, whatever database and role set")
  func sessionSettingsArePinnedWhateverTheDatabaseSays() async throws {
    let server = try await PostgresServer.shared
    let database = try await server.makeDatabase()
    try await server.psql(
      database,
      """
      ALTER DATABASE "\(database)" SET TimeZone = 'Asia/Tokyo';
      ALTER DATABASE "\(database)" SET DateStyle = 'German';
      ALTER DATABASE "\(database)" SET bytea_output = 'escape';
      ALTER DATABASE "\(database)" SET statement_timeout = '300ms';
      """)
    let connection = try await server.connect(database)
    let row = try await connection.query(
      "SELECT pg_sleep(0.5), '2024-01-31 00:00:00+00'::timestamptz::text AS t, '\\x00ff'::bytea::text AS b"
    ).rows[0]
    #expect(try row.decode("t", as: String.self) == "2024-01-31 00:00:00+00")
    #expect(try row.decode("b", as: String.self) == "\\x00ff")
    await connection.close()
  }

  @Test("Time limits of the database end no statement, transaction or idle session, nor a wait for a lock")
  func timeLimits() async throws {
    let server = try await PostgresServer.shared
    let database = try await server.makeDatabase()
    let version = try #require(Int(try await server.psql(database, "SHOW server_version_num")))
    let limits =
      [
        "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout",
      ] + (version >= 170_000 ? ["transaction_timeout"] : [])
    try await server.psql(database, "CREATE TABLE t (n int)")
    for limit in limits { try await server.psql("postgres", "ALTER DATABASE \"\(database)\" SET \(limit) = '200ms'") }
    let connection = try await server.connect(database)
    let other = try await server.connect(database)
    try await other.query("BEGIN")
    try await other.query("LOCK TABLE t")
    try await connection.query("BEGIN")
    try await connection.query("SELECT pg_sleep(0.3)")
    try await Task.sleep(for: .milliseconds(300))
    let wait = Task { try await connection.query("SELECT FROM t") }
    try await Task.sleep(for: .milliseconds(300))
    try await other.query("COMMIT")
    _ = try await wait.value
    #expect(try await connection.query("COMMIT").commandTag == "COMMIT")
    try await Task.sleep(for: .milliseconds(300))
    #expect(try await connection.query("SELECT 1").rows.count == 1)
    await connection.close()
    await other.close()
  }

  @Test("The server is told to look whether its client is still there")
  func theServerLooksWhetherItsClientIsStillThere() async throws {
    let connection = try await PostgresServer.shared.connect()
    let interval = try await connection.query("SHOW client_connection_check_interval").rows[0]
      .decode("client_connection_check_interval", as: String.self)
    #expect(interval == "10s")
    await connection.close()
  }

  @Test("A server error has its fields, and the session goes on")
  func aServerErrorHasItsFieldsAndTheSessionGoesOn() async throws {
    let connection = try await PostgresServer.shared.connect()
    let error = await #expect(throws: PostgresError.self) { try await connection.query("SELECT * FROM nowhere.table") }
    #expect(error?.sqlState == "42P01")
    let one = try await connection.query("SELECT 1 AS one").rows[0].decode("one", as: Int.self)
    #expect(one == 1)
    await connection.close()
  }

  @Test("Identifiers and literals are quoted so that they are read back unchanged")
  func identifiersAndLiteralsAreQuotedByLibpq() async throws {
    let connection = try await PostgresServer.shared.connect()
    #expect(try await connection.quoteIdentifier("a\"b;c") == "\"a\"\"b;c\"")
    let literal = try await connection.quoteLiteral("it's \\ ä")
    let text = try await connection.query("SELECT \(literal)::text AS t").rows[0].decode("t", as: String.self)
    #expect(text == "it's \\ ä")
    await connection.close()
  }

  @Test("A wrong password is refused with its SQLSTATE, and the error does not hold it")
  func aWrongPasswordIsRefusedWithItsStateAndWithoutTheSecret() async throws {
    let server = try await PostgresServer.shared
    let error = await #expect(throws: PostgresError.self) {
      try await PostgresConnection.connect(
        to: server.target(user: server.plainUser), password: Secret("wrong-and-secret"))
    }
    #expect(error?.sqlState == "28P01")
    #expect(error.map { "\($0)".contains("wrong-and-secret") } == false)
    let connection = try await PostgresConnection.connect(
      to: server.target(user: server.plainUser), password: Secret(server.plainPassword))
    #expect(try await connection.query("SELECT 1").rows.count == 1)
    await connection.close()
  }

  @Test("Every host is tried in order")
  func everyHostIsTriedInOrder() async throws {
    let server = try await PostgresServer.shared
    var target = server.target()
    target.host = "no-such-host.invalid,127.0.0.2,127.0.0.1"
    let connection = try await PostgresConnection.connect(to: target, password: nil)
    #expect(try await connection.query("SELECT 1").rows.count == 1)
    await connection.close()

    target.host = "no-such-host.invalid,127.0.0.2"
    let error = await #expect(throws: PostgresError.self) {
      try await PostgresConnection.connect(to: target, password: nil)
    }
    guard case .connectFailed(_, let reasons, nil) = error else { return #expect(Bool(false), "\(error as Any)") }
    #expect(reasons.count == 2)
    #expect(error?.isConnectionFailure == true)
  }

  @Test("A host that does not answer times out")
  func aHostThatDoesNotAnswerTimesOut() async throws {
    // A socket that listens and never accepts: the connection comes about, the server stays silent.
    let (port, socket) = try silentListener()
    defer { close(socket) }
    var options = ConnectionOptions()
    options.connectTimeout = 0.2
    let target = PostgresTarget(host: "127.0.0.1", port: port, database: "d", user: "u", sslMode: .disable)
    let error = await #expect(throws: PostgresError.self) {
      try await PostgresConnection.connect(to: target, password: nil, options: options)
    }
    #expect(error.map { "\($0)".contains("no answer within 0.2 s") } == true)
  }

  @Test("Cancelling the task cancels the query on the server")
  func cancellingTheTaskCancelsTheQueryOnTheServer() async throws {
    let server = try await PostgresServer.shared
    let connection = try await server.connect()
    let marker = "cancel-\(UUID().uuidString)"
    let task = Task { try await connection.query("SELECT pg_sleep(600) /* \(marker) */") }
    try await eventually { try await server.running(marker) == 1 }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    try await eventually { try await server.running(marker) == 0 }
    // A cancel may still be on its way: such a session is not handed to anybody else.
    #expect(await connection.isUsable() == false)
    await connection.close()
  }

  @Test("COMMIT of a failed transaction is an error")
  func commitOfAFailedTransactionIsAnError() async throws {
    let server = try await PostgresServer.shared
    let database = try await server.makeDatabase()
    let connection = try await server.connect(database)
    try await connection.query("CREATE TABLE t (n int)")
    let error = await #expect(throws: PostgresError.self) {
      try await connection.withTransaction { connection in
        try await connection.query("INSERT INTO t VALUES (1)")
        _ = try? await connection.query("SELECT 1/0")
      }
    }
    guard case .commitRolledBack = error else { return #expect(Bool(false), "\(error as Any)") }
    #expect(try await server.psql(database, "SELECT count(*) FROM t") == "0")
    #expect(await connection.isUsable())
    await connection.close()
  }

  @Test("A task that is cancelled before COMMIT commits nothing")
  func cancelledBeforeCommit() async throws {
    let server = try await PostgresServer.shared
    let database = try await server.makeDatabase()
    let connection = try await server.connect(database)
    try await connection.query("CREATE TABLE t (n int)")
    let task = Task {
      try await connection.withTransaction { connection in
        try await connection.query("INSERT INTO t VALUES (1)")
        withUnsafeCurrentTask { $0?.cancel() }
      }
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try await server.psql(database, "SELECT count(*) FROM t") == "0")
    await connection.close()
  }

  @Test("A second statement while the first runs is refused")
  func aSecondStatementMeanwhileIsRefused() async throws {
    let server = try await PostgresServer.shared
    let connection = try await server.connect()
    let marker = "busy-\(UUID().uuidString)"
    let task = Task { try await connection.query("SELECT pg_sleep(600) /* \(marker) */") }
    try await eventually { try await server.running(marker) == 1 }
    let error = await #expect(throws: PostgresError.self) { try await connection.query("SELECT 1") }
    guard case .busy = error else { return #expect(Bool(false), "\(error as Any)") }
    task.cancel()
    _ = await task.result
    await connection.close()
  }

  @Test("Notices reach their receiver")
  func noticesReachTheirReceiver() async throws {
    let server = try await PostgresServer.shared
    let (notices, continuation) = AsyncStream.makeStream(of: String.self)
    var options = ConnectionOptions()
    options.onNotice = { continuation.yield("\($0.severity): \($0.message)") }
    let connection = try await PostgresConnection.connect(to: server.target(), password: nil, options: options)
    try await connection.query("DO $$ BEGIN RAISE WARNING 'look here'; END $$")
    var iterator = notices.makeAsyncIterator()
    #expect(await iterator.next() == "WARNING: look here")
    await connection.close()
  }

  @Test("libpq's verbose sign-in error is taken apart into message and SQLSTATE")
  func aVerboseSignInErrorIsTakenApart() {
    let failure = ConnectFailure(
      verboseMessage:
        "connection to server at \"h\", port 5432 failed: FATAL:  28000: no pg_hba.conf entry LOCATION:  ClientAuthentication, auth.c:639"
    )
    #expect(failure == ConnectFailure(verboseMessage: "FATAL:  28000:  no pg_hba.conf entry"))
    #expect(failure.sqlState == "28000")
    #expect(ConnectFailure(verboseMessage: "could not connect: Connection refused").sqlState == nil)
  }
}
