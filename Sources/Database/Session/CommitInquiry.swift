import Essentials
import Postgres
import Reporting
import TableDays

/// Asks a server, over another connection, how a transaction ended whose COMMIT was sent and not answered.
struct CommitInquiry: Sendable {
  let identity: TransactionIdentity
  /// The SQL condition that the server holds the mark which the transaction wrote; nil when it wrote none.
  let mark: String?
  /// How the connection broke.
  let reason: String
  let subject: TableDayLock.Subject
  let sessions: DatabaseSessions
  let target: PostgresTarget
  let ownPassword: Secret?
  /// The application's name of the broken connection.
  let application: String

  /// How long a cancelled job may ask.
  static let grace = Duration.milliseconds(700)
  /// How long the server may go on committing for a client that is gone, before its session is ended.
  private static let patience = 10
  /// How long an ended session may take to roll back.
  private static let endPatience = Duration.seconds(5)

  private enum Outcome {
    case committed
    case rolledBack
    case inProgress
    case unknown(String)
  }

  private struct RolledBack: Error {}

  /// Runs `confirmed` when the transaction was committed, on the connection that says so. When that connection breaks, asks
  /// again: the server may have crashed before the commit was on disk.
  /// - Throws: ``PostgresError/connectionLost(message:)`` when the transaction was rolled back; ``JobError``
  ///   `commit_unknown`; what `confirmed` throws.
  func resolve<Result: Sendable>(
    confirmed: @escaping @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    var unreachable = DatabaseRetries(budget: .seconds(sessions.retrySeconds))
    var committing = DatabaseRetries(budget: .seconds(max(Self.patience, sessions.retrySeconds)))
    var isEnded = false
    while true {
      let wait: Duration?
      let problem: String
      do {
        if let result = try await ask(confirmed) { return result }
        problem = "the server had not ended the transaction"
        if let next = committing.next(now: .now) {
          wait = next
        } else if isEnded {
          wait = nil
        } else {
          // A server notices late that its client is gone.
          await endSession()
          isEnded = true
          committing = DatabaseRetries(budget: Self.endPatience)
          wait = committing.next(now: .now)
        }
      } catch is RolledBack {
        throw PostgresError.connectionLost(message: "\(reason); the server has rolled the transaction back")
      } catch let error as PostgresError where error.isConnectionFailure {
        problem = "\(error)"
        wait = unreachable.next(now: .now)
      } catch let error as PostgresError {
        throw unknown("\(error)")
      } catch is CancellationError {
        throw unknown("the job was cancelled while it asked")
      }
      guard let wait, (try? await Task.sleep(for: wait)) != nil else { throw unknown(problem) }
    }
  }

  /// Asks once. Nil while the transaction is in progress.
  private func ask<Result: Sendable>(
    _ confirmed: @escaping @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result? {
    try await sessions.pools.withQuestion(to: target, ownPassword: ownPassword) { connection in
      switch try await outcome(on: connection) {
      case .committed: return try await confirmed(connection)
      case .inProgress: return nil
      case .rolledBack: throw RolledBack()
      case .unknown(let why): throw unknown(why)
      }
    }
  }

  private func outcome(on connection: PostgresConnection) async throws -> Outcome {
    if try await connection.query("SELECT pg_catalog.pg_is_in_recovery() AS standby").rows[0].decode("standby") {
      // A standby may lag behind; it may be promoted in a moment.
      throw PostgresError.connectionLost(message: "the server is a standby")
    }
    let now = try? await ServerRun.read(on: connection)
    guard let then = identity.server, let now else {
      return try await holdsMark(on: connection) == true
        ? .committed
        : .unknown("the role may not ask for the server's timeline and start, without which an id proves nothing")
    }
    let isSameRun = now == then
    // Before the mark: a transaction that ends between the two questions must not be taken for one that left none. In
    // another run the id may not be given yet, which is an error.
    let status: String? =
      now.timeline != then.timeline
      ? nil : try await status(on: connection, mayBeUnknown: !isSameRun)
    guard status != "in progress" else { return .inProgress }
    if let isMarked = try await holdsMark(on: connection) { return isMarked ? .committed : .rolledBack }
    guard now.timeline == then.timeline else {
      return .unknown(
        "another server was promoted meanwhile: its timeline is \(now.timeline), it was \(then.timeline)")
    }
    guard isSameRun else {
      return .unknown("the server was restarted or has crashed meanwhile, after which an id proves nothing")
    }
    return switch status {
    case "committed": .committed
    case "aborted": .rolledBack
    default: .unknown("the server no longer knows the transaction")
    }
  }

  private func status(on connection: PostgresConnection, mayBeUnknown: Bool) async throws -> String? {
    do {
      return try await connection.query("SELECT \(identity.status) AS status").rows[0].decodeIfPresent("status")
    } catch PostgresError.server(let error) where mayBeUnknown && !error.isFatal {
      return nil
    }
  }

  private func holdsMark(on connection: PostgresConnection) async throws -> Bool? {
    guard let mark else { return nil }
    return try await connection.query("SELECT (\(mark)) AS held").rows[0].decode("held")
  }

  /// Ends the session of the broken connection. A role may end its own sessions.
  private func endSession() async {
    _ = try? await sessions.pools.withQuestion(to: target, ownPassword: ownPassword) { connection in
      try await connection.query(SQL.endSession, [String(identity.pid), application])
    }
  }

  /// The statement that tells the outcome later. It tells nothing (NULL) of another transaction that got the same id.
  private var query: String {
    guard let mark else {
      return "SELECT CASE WHEN \(identity.server?.condition ?? "false") THEN \(identity.status) END"
    }
    let isSameRun = identity.server?.condition ?? "true"
    return "SELECT CASE WHEN \(mark) THEN 'committed' "
      + "WHEN \(isSameRun) AND NOT \(identity.hasEnded) THEN 'in progress' ELSE 'aborted' END"
  }

  func unknown(_ why: String) -> JobError {
    let timeline = identity.server.map { JSONValue.string($0.timeline) } ?? .null
    return JobError(
      .commitUnknown,
      "the connection broke after COMMIT was sent (\(reason)), and whether \(subject) was loaded is not known: \(why). "
        + "Do not run the job again before it is. Run in database \(target.database): \(query) – 'committed' means that "
        + "every row is loaded, 'aborted' that none is and the job can be run again, 'in progress' that the server still "
        + "commits; after NULL or an error, compare the table's rows with the archive's",
      details: ["query": .string(query), "xid": .string(identity.id), "timeline": timeline])
  }
}
