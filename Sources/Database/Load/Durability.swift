package import Postgres
package import Reporting

/// Makes sure, after a load has committed, that its rows are on disk, and with the standby where the server waits for one.
///
/// The load commits without waiting, or for the local disk alone. One small commit that does wait brings all before it
/// there; it writes WAL of its own, since a transaction that writes none is never flushed. The standby is waited for in a
/// further one, and for a limited time: a server with a synchronous standby that is gone would keep it for ever.
package struct Durability: Sendable {
  let connection: PostgresConnection
  let progress: JobProgress
  /// The load's own commit has waited for the local disk.
  let isOnDisk: Bool

  package init(connection: PostgresConnection, progress: JobProgress, isOnDisk: Bool) {
    self.connection = connection
    self.progress = progress
    self.isOnDisk = isOnDisk
  }

  /// How long a synchronous standby is waited for.
  static let standbyPatience = Duration.seconds(20)

  /// - Returns: what is in doubt of the rows, which are committed whatever happens; nil when nothing is.
  package func confirm() async -> String? {
    // A cancelled job still brings its rows to disk, as that takes a moment; for the standby it does not wait.
    if !isOnDisk, let local = await Task(operation: { await flush("local") }).value {
      return "the rows are committed, but it could not be confirmed that they are on disk: \(local)"
    }
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

  /// One commit that writes WAL and waits as `level` says (`synchronous_commit`; nil is the role's own).
  /// - Returns: why it failed.
  private func flush(_ level: String?) async -> String? {
    do {
      try await connection.withTransaction { connection in
        if let level { try await connection.query("SET LOCAL synchronous_commit = \(level)") }
        try await connection.query("SELECT pg_catalog.pg_logical_emit_message(true, 'sluice', 'restored')")
      }
      return nil
    } catch {
      // Without the advice to run the job again, which would load the rows twice.
      return "\(error)"
    }
  }

  /// The commit that waits for the standby. When its time is up, or the job is cancelled, the wait is cancelled on the
  /// server; the commit stands all the same.
  private func flushBounded() async -> String? {
    let flush = Task { await self.flush(nil) }
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
      ? "the job was cancelled while it waited" : "no answer within \(Int(Self.standbyPatience / .seconds(1))) s"
  }
}
