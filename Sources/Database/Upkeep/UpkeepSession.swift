import Essentials
import Foundation
package import Postgres
import Reporting
import Synchronization
package import TableDays

/// The sessions of one maintenance task: its advisory lock, transactions of one batch each, and another session where the connection broke.
package struct UpkeepSession: Sendable {
  let sessions: DatabaseSessions
  let target: PostgresTarget
  /// The task's name: two runs of it at once are refused.
  let task: String
  /// How long a statement waits for a lock.
  package let lockTimeout: Duration

  /// How long another run's lock is waited for.
  private static let lockPatience = Duration.seconds(2)

  package init(_ task: String, at target: PostgresTarget, in sessions: DatabaseSessions, lockTimeout: Duration) {
    self.task = task
    self.target = target
    self.sessions = sessions
    self.lockTimeout = lockTimeout
  }

  /// The session's advisory lock of a task, as SQL; the same for whatever runs the task.
  package static func lockKey(_ task: String) -> String {
    "((\(TableDayLock.namespace)::pg_catalog.int8 << 48) | (pg_catalog.hashtextextended(\(SQL.literal("sluice:maintenance:\(task)")), 0) & 281474976710655))"
  }

  /// Runs `body`, which goes on where it was, on a session that holds the task's lock; on another one where the connection broke.
  /// - Parameters:
  ///   - locks: whether the lock is taken: what changes nothing does without it.
  ///   - endsSession: the session is closed at the end: a statement of somebody else's may have set anything in it.
  ///   - limit: what is left of the task's time, asked for at each beginning of a session.
  /// - Throws: ``JobError`` `already_running`; whatever `body` throws.
  package func run(
    locks: Bool, endsSession: Bool, limit: @Sendable () -> Duration?,
    _ body: @Sendable (PostgresConnection) async throws -> Void
  ) async throws {
    var retries = DatabaseRetries(budget: .seconds(sessions.retrySeconds))
    // The session of a run that was killed holds the lock until the server notices.
    var lockRetries = DatabaseRetries(budget: Self.lockPatience)
    var hasLost = false
    while true {
      do {
        return try await sessions.pools.withConnection(to: target) { connection in
          let seconds = limit()
          do {
            try await
              (locks
              ? holdingLock(on: connection) { try await limited(connection, seconds) { try await body(connection) } }
              : limited(connection, seconds) { try await body(connection) })
          } catch {
            if endsSession { await connection.close() }
            throw error
          }
          if endsSession { await connection.close() }
        }
      } catch let error as JobError where error.code == .alreadyRunning && !hasLost {
        guard let wait = lockRetries.next(now: .now) else { throw error }
        try await Task.sleep(for: wait)
      } catch  where !Task.isCancelled && isTransient(error, hasLost) {
        // A session whose connection broke may hold the lock until the server notices.
        hasLost = hasLost || error is PostgresError
        guard let wait = retries.next(now: .now) else { throw error }
        sessions.onRetry()
        Log.write(
          .warning, "a database session failed and is tried again",
          ["task": task, "reason": JobError(cause: error).message, "wait_seconds": wait.seconds])
        try await Task.sleep(for: wait)
      }
    }
  }

  private func isTransient(_ error: any Error, _ hasLost: Bool) -> Bool {
    if let error = error as? PostgresError { return error.isTransient }
    return hasLost && (error as? JobError)?.code == .alreadyRunning
  }

  private func holdingLock(
    on connection: PostgresConnection, _ body: () async throws -> Void
  ) async throws {
    let key: String = try await connection.query("SELECT (\(Self.lockKey(task)))::pg_catalog.text AS key").rows[0]
      .decode("key")
    let row = try await connection.query("SELECT pg_catalog.pg_try_advisory_lock($1) AS locked", [key]).rows[0]
    guard try row.decode("locked", as: Bool.self) else {
      let holders = try await connection.query(SQL.advisoryLockHolder, [key]).rows.map { try LockHolder($0) }
      throw JobError(
        .alreadyRunning,
        "another run of the task is under way\(holders.isEmpty ? "" : ", \(LockHolder.list(holders))"); wait for it to end, then run the task again"
      )
    }
    try await TableDayLock.releasing(key, on: connection, body)
  }

  /// Runs `body` with the settings of a task: also what is read outside batches waits for locks no longer than they do, and ends with the task's time.
  private func limited(
    _ connection: PostgresConnection, _ limit: Duration?, _ body: () async throws -> Void
  ) async throws {
    // Counts take one core at most: others work beside them.
    try await connection.query(
      "SELECT pg_catalog.set_config('max_parallel_workers_per_gather', '0', false), pg_catalog.set_config('lock_timeout', $1, false), "
        + "pg_catalog.set_config('statement_timeout', $2, false)",
      [Self.milliseconds(lockTimeout), Self.milliseconds(limit)])
    do {
      try await body()
    } catch {
      await reset(connection)
      throw error
    }
    await reset(connection)
  }

  /// A limit of time as the server's settings have it; nil is none.
  private static func milliseconds(_ limit: Duration?) -> String {
    "\(limit.map { min(max(1, Int($0.seconds * 1000)), Int(Int32.max)) } ?? 0)ms"
  }

  /// Settings of a batch: a plan by an index for each row, whatever the statistics say, and no row hidden from this role in silence.
  private var batchSettings: String {
    [
      "lock_timeout = '\(Self.milliseconds(lockTimeout))'", "synchronize_seqscans = off", "enable_hashjoin = off",
      "enable_mergejoin = off", "jit = off", "row_security = off",
    ].map { "SET LOCAL \($0)" }.joined(separator: "; ")
  }

  /// Runs `body` in a transaction of its own. Where the answer to its COMMIT is lost, the server is asked what became of it.
  /// - Throws: what `body` throws: nothing is changed; ``JobError`` `commit_unknown`.
  package func batch<Result: Sendable>(
    on connection: PostgresConnection, _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    let committing = Mutex<(result: Result, identity: TransactionIdentity)?>(nil)
    do {
      return try await connection.withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED") { connection in
        for setting in batchSettings.split(separator: "; ") { try await connection.query(String(setting)) }
        let result = try await body(connection)
        if let identity = try await TransactionIdentity.read(on: connection) {
          committing.withLock { $0 = (result, identity) }
        }
        return result
      }
    } catch PostgresError.commitUnanswered(let reason) {
      guard let (result, identity) = committing.withLock({ $0 }) else {
        throw PostgresError.commitUnanswered(reason: reason)
      }
      let about = TableDay(
        database: target.database, table: TableName(schema: "maintenance", name: task), day: Day(Date(), in: .gmt))
      let inquiry = CommitInquiry(
        identity: identity, mark: nil, reason: reason, subject: .init(about), sessions: sessions, target: target,
        ownPassword: nil, application: connection.applicationName)
      do {
        return try await inquiry.resolve { _ in result }
      } catch let error as JobError where error.code == .commitUnknown {
        throw JobError(
          .commitUnknown,
          "the connection broke after a batch's COMMIT was sent (\(reason)), and whether its rows are deleted is not known; they are not counted. The next run goes on with what is there",
          details: error.details)
      }
    }
  }

  /// Shares the lock on the archive of a table-day until the batch that is open ends: nobody replaces or removes the archive meanwhile.
  /// - Throws: ``JobError`` `locked`.
  package func sharing(_ day: Day, of table: TableName, on connection: PostgresConnection) async throws {
    try await ArchiveLock.share([day], of: table, on: connection)
    try await connection.query("SET LOCAL lock_timeout = '\(Self.milliseconds(lockTimeout))'")
  }

  /// Runs a statement outside a transaction, such as VACUUM, within `timeout`.
  /// - Parameter waits: it waits for locks as long as it likes, since it keeps nobody out meanwhile.
  package func statement(
    _ sql: String, timeout: Duration?, waits: Bool = false, on connection: PostgresConnection
  ) async throws -> Int {
    try await connection.query(
      "SELECT pg_catalog.set_config('lock_timeout', $1, false), pg_catalog.set_config('statement_timeout', $2, false)",
      [Self.milliseconds(waits ? nil : lockTimeout), Self.milliseconds(timeout)])
    return try await connection.query(sql).affectedRows
  }

  /// The session serves others after this task, also where it is cancelled.
  private func reset(_ connection: PostgresConnection) async {
    await Task {
      do {
        await connection.rollBack()
        try await connection.query("SET lock_timeout = 0")
        try await connection.query("SET statement_timeout = 0")
        try await connection.query("RESET max_parallel_workers_per_gather")
      } catch {
        await connection.close()
      }
    }.value
  }
}

/// What others do on the server.
package struct ServerLoad: Sendable {
  /// Nil where no replica lags, or none is connected.
  package let replicationLag: Double?
  package let activeSessions: Int
  /// The role sees what others do; without that both figures are of its own sessions alone.
  package let isVisible: Bool

  package static func read(on connection: PostgresConnection) async throws -> ServerLoad {
    let row = try await connection.query(SQL.upkeepLoad).rows[0]
    return ServerLoad(
      replicationLag: try row.decodeIfPresent("lag"), activeSessions: try row.decode("active"),
      isVisible: try row.decode("is_visible"))
  }
}
