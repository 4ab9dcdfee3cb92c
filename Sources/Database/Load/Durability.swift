import Essentials
package import Postgres
package import Reporting

/// Confirms, after a load has committed, that its rows are on disk, and on the standby where the server has a
/// synchronous one.
///
/// The load commits without waiting, or waits for the local disk only. A later small commit that waits flushes all WAL
/// before it; it writes a WAL record of its own, since a transaction that writes none is never flushed. Another one
/// waits for the standby, for a limited time: without its synchronous standby a server lets a commit wait indefinitely.
package struct Durability: Sendable {
  let connection: PostgresConnection
  let progress: JobProgress
  /// The load's commit has waited for the local disk.
  let isOnDisk: Bool

  package init(connection: PostgresConnection, progress: JobProgress, isOnDisk: Bool) {
    self.connection = connection
    self.progress = progress
    self.isOnDisk = isOnDisk
  }

  /// The maximum wait for a synchronous standby.
  static let standbyPatience = Duration.seconds(20)

  /// - Returns: why the rows, which are committed and on disk, may not be on the standby; nil when they are.
  /// - Throws: ``PostgresError`` when the server has not confirmed that they are on disk: a crash may have undone the commit.
  package func confirm() async throws -> String? {
    // A cancelled job still flushes its rows to disk, which is quick, but does not wait for the standby.
    if !isOnDisk { try await Task { try await flush("local") }.value }
    guard await Task(operation: { await waitsForStandby() }).value else { return nil }
    progress.waits(for: "the synchronous standby (synchronous_standby_names)", by: "standby")
    defer { progress.waits(for: nil, by: "standby") }
    guard let problem = await flushBounded() else { return nil }
    return
      "the rows are committed and on the server's disk, but the synchronous standby has not confirmed them: \(problem)"
  }

  /// Whether commits of this session wait for a standby.
  private func waitsForStandby() async -> Bool {
    let row = try? await connection.query(
      "SELECT pg_catalog.current_setting('synchronous_standby_names') <> '' "
        + "AND pg_catalog.current_setting('synchronous_commit') NOT IN ('off', 'local') AS waits"
    ).rows.first
    return (try? row?.decode("waits", as: Bool.self)) ?? false
  }

  /// Commits a WAL record and waits as `level` says (a value of `synchronous_commit`; nil keeps the session's).
  private func flush(_ level: String?) async throws {
    try await connection.withTransaction { connection in
      if let level { try await connection.query("SET LOCAL synchronous_commit = \(level)") }
      try await connection.query("SELECT pg_catalog.pg_logical_emit_message(true, 'sluice', 'restored')")
    }
  }

  /// The commit that waits for the standby. On timeout, or when the job is cancelled, the wait is cancelled on the
  /// server; the load stays committed.
  private func flushBounded() async -> String? {
    let flush = Task { () -> String? in
      do {
        try await self.flush(nil)
        return nil
      } catch {
        // Not as a `JobError`, which advises to run the job again: that would load the rows twice.
        return "\(error)"
      }
    }
    let timer = Task {
      try await Task.sleep(for: Self.standbyPatience)
      flush.cancel()
    }
    defer { timer.cancel() }
    let problem = await withTaskCancellationHandler {
      await flush.value
    } onCancel: {
      flush.cancel()
    }
    guard flush.isCancelled else { return problem }
    return Task.isCancelled
      ? "the job was cancelled while it waited" : "no answer within \(Int(Self.standbyPatience.seconds)) s"
  }
}
