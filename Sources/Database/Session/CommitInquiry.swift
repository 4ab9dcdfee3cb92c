import Essentials
import Postgres
import Reporting
import TableDays

/// A transaction as its server knows it. Its id is reused by a standby that is promoted, so the timeline belongs to it.
struct TransactionIdentity: Sendable, Equatable {
  /// The id with its epoch (`xid8`).
  let id: String
  /// The first part of a WAL file's name; nil where the role may not ask for it.
  let timeline: String?
  /// The server process of its session.
  let pid: Int
  /// The statement that tells its outcome.
  let statusQuery: String

  /// The identity of the transaction in progress on `connection`; nil when it has written nothing.
  static func read(on connection: PostgresConnection) async throws -> TransactionIdentity? {
    let isNew = await connection.serverVersion >= 130_000
    let name = isNew ? "pg_current_xact_id_if_assigned" : "txid_current_if_assigned"
    let id: String? = try await connection.query("SELECT pg_catalog.\(name)()::pg_catalog.text AS id").rows[0]
      .decodeIfPresent("id")
    guard let id else { return nil }
    // The right to the function may have been revoked: its failure must not fail the load.
    try await connection.query("SAVEPOINT sluice_timeline")
    let timeline = try? await timeline(on: connection)
    try await connection.query("ROLLBACK TO SAVEPOINT sluice_timeline")
    return TransactionIdentity(
      id: id, timeline: timeline, pid: await connection.backendProcessID,
      statusQuery: isNew ? "SELECT pg_catalog.pg_xact_status('\(id)')" : "SELECT pg_catalog.txid_status(\(id))")
  }

  static let timelineQuery =
    "SELECT pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) AS timeline"

  static func timeline(on connection: PostgresConnection) async throws -> String {
    try await connection.query(timelineQuery).rows[0].decode("timeline")
  }
}

/// Asks a server, over another connection, how a transaction ended whose COMMIT was sent and not answered.
struct CommitInquiry: Sendable {
  let identity: TransactionIdentity
  /// How the connection broke.
  let reason: String
  let tableDay: TableDay
  let sessions: DatabaseSessions
  let target: PostgresTarget
  let ownPassword: Secret?
  /// The application's name of the broken connection.
  let application: String

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

  /// Runs `confirmed` when the transaction was committed, on the connection that says so.
  /// - Parameter isMarked: decides where the id does not; nil when it cannot.
  /// - Throws: ``PostgresError/connectionLost(message:)`` when the transaction was rolled back; ``JobError``
  ///   `commit_unknown`; what `confirmed` throws.
  func resolve<Result: Sendable>(
    isMarked: @escaping @Sendable (PostgresConnection) async throws -> Bool?,
    confirmed: @escaping @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    var unreachable = DatabaseRetries(budget: .seconds(sessions.retrySeconds))
    var committing = DatabaseRetries(budget: .seconds(max(Self.patience, sessions.retrySeconds)))
    var isEnded = false
    while true {
      let wait: Duration?
      let problem: String
      do {
        if let result = try await ask(isMarked, confirmed) { return result }
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
    _ isMarked: @escaping @Sendable (PostgresConnection) async throws -> Bool?,
    _ confirmed: @escaping @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result? {
    try await sessions.pools.withQuestion(to: target, ownPassword: ownPassword) { connection in
      switch try await outcome(on: connection, isMarked) {
      case .committed: return try await confirmed(connection)
      case .inProgress: return nil
      case .rolledBack: throw RolledBack()
      case .unknown(let why): throw unknown(why)
      }
    }
  }

  private func outcome(
    on connection: PostgresConnection, _ isMarked: @Sendable (PostgresConnection) async throws -> Bool?
  ) async throws -> Outcome {
    if try await connection.query("SELECT pg_catalog.pg_is_in_recovery() AS standby").rows[0].decode("standby") {
      // A standby may lag behind; it may be promoted in a moment.
      throw PostgresError.connectionLost(message: "the server is a standby")
    }
    let now = try? await TransactionIdentity.timeline(on: connection)
    let doubt: String
    if identity.timeline == nil || now == nil {
      doubt = "the role may not ask for the server's timeline, without which a transaction's id proves nothing"
    } else if let timeline = identity.timeline, now != timeline {
      doubt = "another server was promoted meanwhile: its timeline is \(now ?? ""), it was \(timeline)"
    } else {
      let status: String? = try await connection.query("SELECT (\(identity.statusQuery)) AS status").rows[0]
        .decodeIfPresent("status")
      switch status {
      case "committed": return .committed
      case "aborted": return .rolledBack
      case "in progress": return .inProgress
      default: doubt = "the server no longer knows the transaction"
      }
    }
    // On a server that is no standby, and on another timeline, the transaction is no longer in progress.
    return switch try await isMarked(connection) {
    case true: .committed
    case false where identity.timeline != nil && now != nil: .rolledBack
    default: .unknown(doubt)
    }
  }

  /// Ends the session of the broken connection. A role may end its own sessions.
  private func endSession() async {
    _ = try? await sessions.pools.withQuestion(to: target, ownPassword: ownPassword) { connection in
      try await connection.query(SQL.endSession, [String(identity.pid), application])
    }
  }

  private func unknown(_ why: String) -> JobError {
    let elsewhere: ErrorText =
      identity.timeline.map {
        "; on a server whose \(TransactionIdentity.timelineQuery) is not \($0), the answer is about another transaction"
      } ?? ""
    let timeline = identity.timeline.map { JSONValue.string($0) } ?? .null
    return JobError(
      .commitUnknown,
      "the connection broke after COMMIT was sent (\(reason)), and whether \(tableDay) was loaded is not known: \(why). "
        + "Do not run the job again before it is. Run in database \(target.database): \(identity.statusQuery) – 'committed' means that "
        + "every row is loaded, 'aborted' that none is and the job can be run again, 'in progress' that the server still "
        + "commits; after NULL or an error, compare the table's rows with the archive's\(elsewhere)",
      details: ["query": .string(identity.statusQuery), "xid": .string(identity.id), "timeline": timeline])
  }
}
