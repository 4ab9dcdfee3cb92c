import Essentials
import Postgres
import Reporting
import TableDays

/// Asks, over another connection, which sessions hold the lock that a job waits for, and shows them in its progress.
struct LockWatch: Sendable {
  let sessions: DatabaseSessions
  let progress: JobProgress
  let target: PostgresTarget
  let ownPassword: Secret?
  let subject: TableDayLock.Subject
  let table: TableName
  /// Is set once the job has locked its table.
  let isLocked: Flag

  /// Longer than most statements wait.
  private static let firstLook = Duration.milliseconds(400)
  private static let interval = Duration.seconds(2)

  /// Runs `body` on `connection`, and watches it meanwhile.
  /// - Throws: what `body` throws; ``TableLock/NotGranted`` in place of a lock timeout, with the last lock holders that
  ///   were seen.
  func whileRunning<Result>(
    on connection: PostgresConnection, _ body: () async throws -> Result
  ) async throws -> Result {
    let pid = await connection.backendProcessID
    let watcher = Task { await look(at: pid) }
    do {
      let result = try await body()
      watcher.cancel()
      _ = await watcher.value
      progress.waits(for: nil, by: "\(subject)")
      return result
    } catch {
      watcher.cancel()
      let holders = await watcher.value
      progress.waits(for: nil, by: "\(subject)")
      throw Self.isLockTimeout(error) ? TableLock.NotGranted(holders: holders, cause: error) : error
    }
  }

  private static func isLockTimeout(_ error: any Error) -> Bool {
    switch error {
    // 53200: the server's lock table has no room for a lock on each of thousands of partitions.
    case PostgresError.server(let error): ["55P03", "53200"].contains(error.sqlState) && error.isServersOwn
    case let error as JobError: error.code == .locked && error.details["sqlstate"] == .string("55P03")
    default: false
    }
  }

  /// Asks until its task is cancelled. It does not ask while a job that has locked its table makes progress.
  /// - Returns: the last lock holders that were seen.
  private func look(at pid: Int) async -> [LockHolder] {
    var holders: [LockHolder] = []
    var wait = Self.firstLook
    var before = progress.reading
    while (try? await Task.sleep(for: wait)) != nil {
      wait = Self.interval
      let reading = progress.reading
      defer { before = reading }
      if isLocked.isSet, reading.csvBytes != before.csvBytes { continue }
      let found = try? await sessions.pools.withQuestion(to: target, ownPassword: ownPassword) { connection in
        try await connection.query(SQL.blockingSessions, [String(pid)]).rows.map { try LockHolder($0) }
      }
      if Task.isCancelled { break }
      if let found, !found.isEmpty {
        holders = found
        let what = isLocked.isSet ? "a lock on a part of \(table) is held by" : "\(table) is locked by"
        progress.waits(for: "\(what) \(LockHolder.list(holders))", by: "\(subject)")
      } else if !holders.isEmpty {
        progress.waits(for: nil, by: "\(subject)")
      }
    }
    return holders
  }
}
