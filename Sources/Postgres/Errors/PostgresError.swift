/// What can go wrong on this side of the wire, or be reported by the server.
package enum PostgresError: Error, Sendable, CustomStringConvertible {
  /// No connection came about. `reasons` has one line for each address tried; `sqlState` is there when a server refused.
  case connectFailed(target: PostgresTarget, reasons: [String], sqlState: String?)
  /// The connection broke; what was under way is lost.
  case connectionLost(message: String)
  /// The connection broke after COMMIT was sent and before its answer: the server may have committed.
  case commitUnanswered(reason: String)
  /// The server refused a statement.
  case server(ServerError)
  /// `COMMIT` was answered with `ROLLBACK`: a statement had failed inside the transaction, nothing was stored.
  case commitRolledBack
  /// The connection is in the middle of something else: a mistake of the caller.
  case busy(doing: String)
  /// No connection became free in time (seconds).
  case poolTimeout(target: PostgresTarget, seconds: Double)
  /// So many servers, databases and roles are in use that no further one can be.
  case tooManyTargets(target: PostgresTarget, limit: Int)
  /// The pool was closed.
  case poolClosed
  /// A value did not have the form its reader asked for.
  case decoding(column: String, expected: String)

  /// True when the server could not be reached or went away, as opposed to having refused something.
  package var isConnectionFailure: Bool {
    switch self {
    case .connectionLost, .commitUnanswered: true
    // 57P01..57P03: the server is shutting down, crashed or starting up. 53300: too many connections.
    case .connectFailed(_, _, let state): state == nil || state?.hasPrefix("57P") == true || state == "53300"
    // Only where the session is over: a trigger may raise any SQLSTATE.
    case .server(let error): error.isFatal
    default: false
    }
  }

  /// Whether the same may go well in a moment: the server is starting, failing over, restarting or full. What a name, a
  /// certificate or a setting is wrong about stays wrong.
  package var isTransient: Bool {
    guard isConnectionFailure else { return false }
    guard case .connectFailed(_, let reasons, nil) = self else { return true }
    return !reasons.allSatisfy { reason in Self.lastingReasons.contains { reason.contains($0) } }
  }

  /// Parts of libpq's and the resolver's messages about what no further try will change. The program sets no locale, so
  /// they are in English.
  private static let lastingReasons = [
    "certificate", "does not support SSL", "SSL was required", "Name or service not known",
    "No address associated with hostname", "no host is given", "invalid sslmode",
  ]

  /// A sentence for people, without row data.
  package var description: String {
    switch self {
    case .connectFailed(let target, let reasons, _):
      "cannot connect to PostgreSQL as \(target): \(reasons.joined(separator: "; "))"
    case .connectionLost(let message): "the connection to PostgreSQL was lost: \(message)"
    case .commitUnanswered(let reason): "COMMIT was sent and not answered: \(reason)"
    case .server(let error): error.description
    case .commitRolledBack: "the server rolled the transaction back at COMMIT; nothing was stored"
    case .busy(let doing): "the connection is busy with \(doing)"
    case .poolTimeout(let target, let seconds):
      "no connection to \(target) became free or could be made within \(seconds) s; raise PG_POOL_MAX or lower the "
        + "concurrency; where a token is the password, see the log for why there is none"
    case .tooManyTargets(let target, let limit):
      "no connection to \(target): \(limit) other servers, databases and roles are in use; wait for their jobs to end"
    case .poolClosed: "the connection pool is closed"
    case .decoding(let column, let expected): "column \(column): the value is not \(expected)"
    }
  }
}
