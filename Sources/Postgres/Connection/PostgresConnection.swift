import CPQ
import Dispatch
import Essentials
import Glibc

/// One session with a PostgreSQL server, over libpq in non-blocking mode.
///
/// All of libpq is entered on the actor's own queue; waiting is done by dispatch sources, so no thread is parked while the
/// server works. One statement at a time: a second one while the first runs gets ``PostgresError/busy(doing:)``.
/// Cancelling the task that waits for a statement cancels the statement on the server.
package actor PostgresConnection {
  /// What the session is in the middle of.
  enum Activity: Equatable {
    case idle
    case query
    case copyOut
    case copyIn
  }

  /// Where this session leads.
  package nonisolated let target: PostgresTarget
  /// What `pg_stat_activity` shows for it.
  package nonisolated let applicationName: String
  /// Seconds after which a statement that was cancelled and does not end takes the connection with it.
  static let cancelPatience: Double = 10

  /// How long the rest of a notice may take to arrive: the server sends each at once.
  static let noticePatience = Duration.milliseconds(400)
  /// Bytes of the widest row that a session may have read and serve on: libpq's buffer holds a row whole, and never shrinks.
  static let widestRowKept = 8 << 20

  nonisolated let executor: QueueExecutor
  /// The connection's own queue.
  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  var handle: SessionHandle
  var activity: Activity = .idle
  /// A cancel request was sent for this session. It may still arrive late, so the session serves no other job.
  var wasCancelled = false
  /// Counts statements, so that a late cancel does not hit the next one.
  var statementNumber = 0
  /// What `PQgetlineAsync` answered last: a piece's length, 0 for "not yet", -1 for the end or an error.
  var lastCopyStatus: Int32 = 0
  /// Counts the rows of the COPY out under way.
  var copyRows = CopyRowCounter(quote: nil)
  /// Something has arrived while data was sent, and was not read yet.
  var hasUnseenInput = false
  /// A write of the COPY in is under way.
  var isWritingCopy = false
  /// When something last arrived in the COPY in that was not a whole notice.
  var copyInInput: ContinuousClock.Instant?
  /// The server was seen to have ended the COPY in; its error is not read yet.
  var copyInHasEnded = false
  /// The row count in the tag of the last COPY out; nil until it has ended.
  var copiedRows: Int?

  init(handle: SessionHandle, target: PostgresTarget, applicationName: String, executor: QueueExecutor) {
    self.handle = handle
    self.target = target
    self.applicationName = applicationName
    self.executor = executor
  }

  deinit {
    let handle = handle
    executor.queue.async { handle.close() }
  }

  /// Ends the session. A statement under way is lost; the server rolls its transaction back.
  package func close() {
    handle.close()
  }

  /// Whether the session can take a statement of a new caller: connected, idle, outside a transaction, and nothing has
  /// arrived unasked. What a server sends to an idle session nearly always announces its end.
  package func isUsable() -> Bool {
    guard !handle.isClosed, !wasCancelled, activity == .idle, PQstatus(handle.connection) == CONNECTION_OK,
      copyRows.widestRow <= Self.widestRowKept
    else { return false }
    var socket = pollfd(fd: PQsocket(handle.connection), events: Int16(POLLIN), revents: 0)
    guard poll(&socket, 1, 0) == 0 else { return false }
    return PQtransactionStatus(handle.connection) == PQTRANS_IDLE
  }

  /// The server's version as a number, such as 150018.
  package var serverVersion: Int { Int(PQserverVersion(handle.connection)) }

  /// The encoding of the database, such as `UTF8`. Sessions speak UTF-8; from `SQL_ASCII` nothing can be converted.
  package var serverEncoding: String {
    PQparameterStatus(handle.connection, "server_encoding").map { String(cString: $0) } ?? "UTF8"
  }

  /// The server's process id for this session, as `pg_stat_activity` shows it.
  package var backendProcessID: Int { Int(PQbackendPID(handle.connection)) }

  /// `name` as a quoted SQL identifier (libpq, `PQescapeIdentifier`).
  package func quoteIdentifier(_ name: String) throws -> String {
    try quoted(name, by: PQescapeIdentifier)
  }

  /// `text` as a quoted SQL literal (libpq, `PQescapeLiteral`).
  package func quoteLiteral(_ text: String) throws -> String {
    try quoted(text, by: PQescapeLiteral)
  }

  private func quoted(
    _ text: String,
    by escape: (OpaquePointer?, UnsafePointer<CChar>?, Int) -> UnsafeMutablePointer<CChar>?
  ) throws -> String {
    var text = text
    let escaped = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { escape(handle.connection, $0.baseAddress, $0.count) }
    }
    guard let escaped else { throw connectionError() }
    defer { PQfreemem(escaped) }
    return String(cString: escaped)
  }

  /// The error of a broken connection, with libpq's description.
  func connectionError() -> PostgresError {
    .connectionLost(message: handle.errorMessage)
  }
}
