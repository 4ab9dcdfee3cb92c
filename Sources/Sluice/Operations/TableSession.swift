import Foundation
import Postgres

/// One table-day's work in the database: a session, the table-day's advisory lock, and a transaction that begins with the
/// lock on the table.
///
/// ```
/// connect ── advisory lock ── before ── BEGIN ── lock the table ── work ── COMMIT ── after
///    ^  tried again for PG_RETRY_SECONDS until work has begun |
///    +-- a second's wait for the lock; then without a connection until it is this run's turn to wait on --+
/// ```
/// The second time a backup locks what it reads alone: the partition or chunk that another session holds may be another day's.
struct TableSession: Sendable {
  let context: JobContext
  let progress: JobProgress
  let target: PostgresTarget
  var ownPassword: Secret?
  /// The table-day that is claimed.
  let archive: ArchiveName
  /// The table that is locked, and for what.
  let table: TableName
  let access: TableFacts.Access
  /// What is going to be read, as a SELECT of no rows.
  var reading: (@Sendable (PostgresConnection) async throws -> String)?

  /// How long a lock is waited for with a connection of the pool that others could use. Whoever waits longer queues for one
  /// of the few connections that are left for that, so that a table somebody holds does not stop the others.
  private static let shortPatience = Duration.seconds(1)

  /// Runs `work` in the transaction.
  /// - Parameters:
  ///   - before: runs under the advisory lock, before the transaction; when it gives a result, that is all.
  ///   - work: sets the flag when it begins what must not be done twice: a broken connection is then its end.
  ///   - after: runs after the commit on the same session.
  /// - Throws: ``JobError`` `locked`, `already_running`; whatever the parts throw.
  func run<Result: Sendable>(
    before: @Sendable (PostgresConnection) async throws -> Result? = { _ in nil },
    work: @Sendable (PostgresConnection, Flag) async throws -> Result,
    after: @Sendable (PostgresConnection, Result) async -> Result = { $1 }
  ) async throws -> Result {
    let begun = Flag()
    let patience = min(Self.shortPatience, limit)
    return try await retrying(begun) {
      // Whether the table itself was locked: what waited longer than the limit after that has waited in full.
      let isLocked = Flag()
      do {
        return try await attempt(begun, isLocked, isNarrow: false, patience: patience, before, work, after)
      } catch let busy as TableLock.NotGranted where limit > patience && !isLocked.isSet {
        return try await waitOn(busy, for: limit - patience) { rest in
          try await attempt(begun, isLocked, isNarrow: reading != nil, patience: rest, before, work, after)
        }
      } catch let busy as TableLock.NotGranted {
        throw locked(busy)
      }
    }
  }

  /// How long a job waits for a lock in all.
  private var limit: Duration { .seconds(context.settings.pgLockTimeoutSeconds) }

  private enum Done<Result: Sendable>: Sendable {
    case before(Result)
    case committed(Result)
  }

  private func attempt<Result: Sendable>(
    _ begun: Flag, _ isLocked: Flag, isNarrow: Bool, patience: Duration,
    _ before: @Sendable (PostgresConnection) async throws -> Result?,
    _ work: @Sendable (PostgresConnection, Flag) async throws -> Result,
    _ after: @Sendable (PostgresConnection, Result) async -> Result
  ) async throws -> Result {
    try await context.pools.withConnection(to: target, ownPassword: ownPassword) { connection in
      let done: Done<Result> = try await ArchiveLock.hold(archive, on: connection) {
        if let result = try await before(connection) { return .before(result) }
        let lock = try await TableLock.find(
          table, for: access, isNarrow: isNarrow, reading: reading, on: connection)
        return .committed(
          try await connection.withTransaction(lock.begin) { connection in
            let watch = LockWatch(
              context: context, progress: progress, target: target, ownPassword: ownPassword, table: table,
              isLocked: isLocked)
            return try await watch.whileRunning(on: connection) {
              try await lock.take(within: patience, limit: limit, on: connection)
              isLocked.set()
              return try await work(connection, begun)
            }
          })
      }
      switch done {
      case .before(let result): return result
      case .committed(let result): return await after(connection, result)
      }
    }
  }

  /// Waits for the lock with one of the connections that are left for long waits.
  private func waitOn<Result: Sendable>(
    _ busy: TableLock.NotGranted, for rest: Duration, _ attempt: @Sendable (Duration) async throws -> Result
  ) async throws -> Result {
    let end = ContinuousClock.now + rest
    if !busy.holders.isEmpty { progress.waits(for: "\(table) is locked by \(LockHolder.list(busy.holders))") }
    defer { progress.waits(for: nil) }
    do {
      return try await context.lockWaits.withPermit(within: rest) {
        try await attempt(max(.milliseconds(1), ContinuousClock.now.duration(to: end)))
      }
    } catch is Permits.Timeout {
      throw locked(busy)
    } catch let busy as TableLock.NotGranted {
      throw locked(busy)
    }
  }

  private func locked(_ busy: TableLock.NotGranted) -> any Error {
    if case PostgresError.server(let error) = busy.cause, error.sqlState != "55P03" { return busy.cause }
    let holder =
      busy.holders.isEmpty
      ? "by a session that could not be told" : "by \(LockHolder.list(busy.holders))"
    return JobError(
      .conflict, code: "locked",
      "\(table) is locked \(holder); waited \(Int(limit / .seconds(1))) s (PG_LOCK_TIMEOUT_SECONDS). Nothing was changed; end "
        + "that session or wait for it, then run the job again", field: "table")
  }

  /// Tries again what failed for want of a server, until `work` has begun.
  private func retrying<Result>(_ begun: Flag, _ body: () async throws -> Result) async throws -> Result {
    var schedule = DatabaseRetries(budget: .seconds(context.settings.pgRetrySeconds))
    while true {
      do {
        return try await body()
      } catch let error as PostgresError where error.isTransient && !begun.isSet && !Task.isCancelled {
        guard let wait = schedule.next(now: .now) else { throw error }
        Log.write(
          .warning, "the database is tried again",
          ["archive": archive, "reason": error, "tries": schedule.tries, "wait_seconds": wait / .seconds(1)])
        progress.waits(for: "the database server, try \(schedule.tries + 1): \(error)")
        defer { progress.waits(for: nil) }
        try await Task.sleep(for: wait)
      }
    }
  }
}

/// When a server that was not there is tried again: after a quarter of a second, then twice as long each time, 5 s at most,
/// for `budget` from the first failure.
struct DatabaseRetries {
  private static let longest = Duration.seconds(5)

  let budget: Duration
  private(set) var tries = 0
  private var firstFailure: ContinuousClock.Instant?
  private var wait = Duration.milliseconds(250)

  init(budget: Duration) {
    self.budget = budget
  }

  /// How long to wait after a failure at `now`; nil when the budget is spent.
  mutating func next(now: ContinuousClock.Instant) -> Duration? {
    tries += 1
    let start = firstFailure ?? now
    firstFailure = start
    let left = budget - start.duration(to: now)
    guard left > .zero else { return nil }
    defer { wait = min(Self.longest, wait * 2) }
    return min(wait, left)
  }
}
