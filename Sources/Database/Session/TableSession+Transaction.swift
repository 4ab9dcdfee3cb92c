import Essentials
package import Postgres
import Reporting
import Synchronization

extension TableSession {
  /// The table-day's lock, the transaction in it, and what comes after.
  func transact<Work, Result>(
    _ run: Run<Work, Result>, _ isLocked: Flag, _ lockTry: LockTry, on connection: PostgresConnection
  ) async throws -> Result {
    try await TableDayLock.hold(subject, on: connection) {
      if let result = try await run.before(connection) { return result }
      let lock = try await TableLock.find(
        table, for: access, isNarrow: lockTry.isNarrow, reading: reading, mayBeMissing: mayBeMissing, on: connection)
      let watch = LockWatch(
        sessions: sessions, progress: progress, target: target, ownPassword: ownPassword, subject: subject,
        table: table,
        isLocked: isLocked)
      let committing = Committing<Work>()
      let work: Work
      do {
        work = try await connection.withTransaction(lock.begin) { connection in
          let work = try await watch.whileRunning(on: connection) {
            try await lock.take(within: lockTry.patience, limit: limit, on: connection)
            isLocked.set()
            try lockTry.granted()
            return try await run.work(connection, run.begun)
          }
          if run.recovery != nil { committing.keep(work, try await TransactionIdentity.read(on: connection)) }
          return work
        }
      } catch PostgresError.commitUnanswered(let reason) {
        return try await recover(run, committing, reason, from: connection)
      }
      do {
        return try await run.finish(connection, work)
      } catch let error as PostgresError where run.recovery != nil {
        // The commit is not on the server's disk yet: a crash loses it.
        return try await recover(run, committing, "before the commit was on disk: \(error)", from: connection)
      }
    }
  }

  /// What the transaction has done when its COMMIT is sent.
  private final class Committing<Work: Sendable>: Sendable {
    private let state = Mutex<(work: Work, identity: TransactionIdentity)?>(nil)

    func keep(_ work: Work, _ identity: TransactionIdentity?) {
      guard let identity else { return }
      state.withLock { $0 = (work, identity) }
    }

    /// Nil when the transaction has written nothing, so that its outcome makes no difference.
    var content: (work: Work, identity: TransactionIdentity)? { state.withLock { $0 } }
  }

  /// Finds out, over another connection, whether the transaction was committed, and continues after it.
  private func recover<Work, Result>(
    _ run: Run<Work, Result>, _ committing: Committing<Work>, _ reason: String, from lost: PostgresConnection
  ) async throws -> Result {
    guard let recovery = run.recovery, let (work, identity) = committing.content else {
      throw PostgresError.commitUnanswered(reason: reason)
    }
    let inquiry = CommitInquiry(
      identity: identity, mark: recovery.mark(), reason: reason, subject: subject, sessions: sessions, target: target,
      ownPassword: ownPassword, application: lost.applicationName)
    progress.waits(for: "the outcome of a COMMIT whose answer was lost", by: "\(subject)")
    defer { progress.waits(for: nil, by: "\(subject)") }
    return try await LateCancellation.run(
      after: CommitInquiry.grace, patience: CommitInquiry.grace, orElse: inquiry.unknown("the job was cancelled")
    ) {
      try await inquiry.resolve { connection in
        try await recovery.finish(connection, work, reason)
      }
    }
  }
}

/// What a load does when the connection breaks before its COMMIT is answered, or answered and on disk.
package struct CommitRecovery<Work: Sendable, Result: Sendable>: Sendable {
  let mark: @Sendable () -> String?
  let finish: @Sendable (PostgresConnection, Work, String) async throws -> Result

  /// - Parameters:
  ///   - mark: the SQL condition that the server holds what the transaction wrote to tell itself from others; nil when it
  ///     wrote nothing such.
  ///   - finish: runs in place of the session's `finish`, on another connection, when the transaction was committed.
  ///     The text says how the first connection broke.
  package init(
    mark: @escaping @Sendable () -> String?,
    finish: @escaping @Sendable (PostgresConnection, Work, String) async throws -> Result
  ) {
    self.mark = mark
    self.finish = finish
  }
}
