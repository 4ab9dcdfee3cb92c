import CPQ
import Glibc

extension PostgresConnection {
  /// Runs one statement with text parameters (`$1`, `$2`, …; nil is NULL) and collects its rows.
  ///
  /// For small results: everything is held in memory. Tables travel by COPY.
  /// - Throws: ``PostgresError``; `CancellationError` after the statement was cancelled on the server.
  @discardableResult
  package func query(_ sql: String, _ parameters: [String?] = []) async throws -> PostgresResult {
    try begin(.query)
    return try await cancellingOnTaskCancel {
      try send(sql, parameters)
      try await flush()
      return try await collect()
    }
  }

  /// Runs `body` between `begin` (such as `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`) and `COMMIT`; any error rolls
  /// back, but for ``PostgresError/commitUnanswered(reason:)``, which leaves the outcome open.
  package func withTransaction<Result: Sendable>(
    _ begin: String = "BEGIN", _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    try await query(begin)
    do {
      let result = try await body(self)
      try await commit()
      return result
    } catch {
      await rollBack()
      throw error
    }
  }

  /// Leaves whatever the session is in the middle of and rolls back. When that fails the session is closed: the server
  /// then rolls back by itself. A server that does not end the statement within ``cancelPatience`` seconds is
  /// disconnected.
  package func rollBack() async {
    // The task may be cancelled already; the rollback must happen all the same.
    await Task {
      do {
        try await self.recover()
        if self.isInTransaction { try await self.query("ROLLBACK") }
      } catch {
        self.close()
      }
    }.value
  }

  var isInTransaction: Bool {
    guard !handle.isClosed else { return false }
    return PQtransactionStatus(handle.connection) != PQTRANS_IDLE
  }

  /// Claims the session for a statement.
  func begin(_ next: Activity) throws {
    // Before the claim: a task that was cancelled already must not cost the session.
    try Task.checkCancellation()
    guard !handle.isClosed else { throw PostgresError.connectionLost(message: "it was closed") }
    guard activity == .idle else { throw PostgresError.busy(doing: "\(activity)") }
    activity = next
  }

  func send(_ sql: String, _ parameters: [String?]) throws {
    let values = parameters.map { $0.map { strdup($0) } ?? nil }
    defer { values.forEach { free($0) } }
    let sent = PQsendQueryParams(
      handle.connection, sql, Int32(parameters.count), nil, values.map { UnsafePointer($0) }, nil, nil, 0)
    guard sent == 1 else {
      activity = .idle
      throw connectionError()
    }
  }

  /// Reads to the end of the statement. The first error is thrown, after everything was read.
  func collect() async throws -> PostgresResult {
    var outcome = PostgresResult(rows: [], commandTag: "", affectedRows: 0)
    var failure: PostgresError?
    while let result = try await nextResult() {
      defer { PQclear(result) }
      switch PQresultStatus(result) {
      case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
        outcome = Self.decode(result)
      case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
        // A COPY must go through copyOut or copyIn; here its data would not be read.
        handle.close()
        throw PostgresError.busy(doing: "a COPY that was sent as a query")
      default:
        failure = failure ?? failed(result)
      }
      if PQstatus(handle.connection) != CONNECTION_OK { throw failure ?? connectionError() }
    }
    activity = .idle
    if let failure { throw failure }
    return outcome
  }

  func failed(_ result: OpaquePointer?) -> PostgresError {
    guard PQresultErrorField(result, Int32(UInt8(ascii: "C"))) != nil else { return connectionError() }
    return .server(ServerError(result: result))
  }

  private static func decode(_ result: OpaquePointer) -> PostgresResult {
    let columnCount = PQnfields(result)
    let columns = PostgresColumns(
      names: (0..<columnCount).map { String(cString: PQfname(result, $0)) },
      oids: (0..<columnCount).map { PQftype(result, $0) })
    let rows = (0..<PQntuples(result)).map { row in
      PostgresRow(
        columns: columns,
        values: (0..<columnCount).map { column in
          PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
        })
    }
    return PostgresResult(
      rows: rows, commandTag: String(cString: PQcmdStatus(result)), affectedRows: affectedRows(result))
  }

  static func affectedRows(_ result: OpaquePointer) -> Int {
    Int(String(cString: PQcmdTuples(result))) ?? 0
  }

  /// Brings the session back to idle from the middle of a COPY, or of a statement whose waiting was broken off.
  func recover() async throws {
    guard activity != .idle else { return }
    guard !handle.isClosed else { throw PostgresError.connectionLost(message: "it was closed") }
    giveUpLater(onStatement: statementNumber)
    switch activity {
    case .copyIn: await abortCopyIn(reason: "the load was broken off")
    case .copyOut: try await abandonCopyOut()
    case .idle, .query: throw PostgresError.busy(doing: "a statement that did not end")
    }
  }
}
