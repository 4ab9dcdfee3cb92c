import Essentials

extension PostgresConnection {
  /// How long a COMMIT that was sent may continue in a cancelled task before it is cancelled on the server. Deferred
  /// constraints and a synchronous standby can make it long.
  package static let commitGrace = Duration.seconds(2)

  /// Commits the transaction and reads the tag: a transaction that had failed answers ROLLBACK without an error.
  ///
  /// A cancelled task sends no COMMIT. One that was sent is not abandoned: after ``commitGrace`` it is cancelled on the
  /// server, and its answer counts. A COMMIT that answers COMMIT is done, also in a cancelled task; one that answers with
  /// an error is rolled back.
  /// - Throws: ``PostgresError/commitUnanswered(reason:)`` when the connection broke before the answer; other errors and
  ///   `CancellationError` when nothing was committed.
  func commit() async throws {
    try Task.checkCancellation()
    do {
      try await LateCancellation.run(after: Self.commitGrace) { try await self.sendCommit() }
    } catch PostgresError.commitUnanswered(let reason) {
      throw PostgresError.commitUnanswered(reason: reason)
    } catch {
      throw Task.isCancelled ? CancellationError() : error
    }
  }

  private func sendCommit() async throws {
    try begin(.query)
    let answer: PostgresResult
    do {
      answer = try await sendingCancelOnTaskCancel {
        try send("COMMIT", [])
        try await flush()
        return try await collect()
      }
    } catch let error as PostgresError where error.isConnectionFailure {
      throw PostgresError.commitUnanswered(reason: "\(error)")
    }
    guard answer.commandTag == "COMMIT" else { throw PostgresError.commitRolledBack }
  }
}
