package import Essentials
import Foundation
package import Postgres
package import Reporting
import Synchronization
import TableDays

/// The database work for one table-day: a session, the table-day's advisory lock, and a transaction that begins with
/// the lock on the table.
///
/// ```
/// connect ── advisory lock ── before ── BEGIN ── lock the table ── work ── COMMIT ── finish ── unlock
///    ^                                                   |            |
///    +-- locked for 1 s: in the queue of locked tables, -+            |
///    |   without a connection                                         |
///    +-- connection lost: retried for PG_RETRY_SECONDS, --------------+
///        until work has begun
/// ```
/// In the second attempt a backup locks only what it reads: the partition or chunk that another session has locked may
/// belong to another day.
package struct TableSession: Sendable {
  let sessions: DatabaseSessions
  let progress: JobProgress
  let target: PostgresTarget
  let ownPassword: Secret?
  /// What the advisory lock is of.
  let subject: TableDayLock.Subject
  var table: TableName { subject.table }
  let access: TableFacts.Access
  /// The SELECT of no rows that locks what a backup reads.
  let reading: (@Sendable (PostgresConnection) async throws -> String)?
  /// The table-day's place in the program's admission: given up during a long wait, and taken again after it.
  let turn: Turn
  /// The work makes the table where it is missing.
  var mayBeMissing = false

  /// The place in the program's admission, which a run gives up while it waits for a lock.
  package struct Turn: Sendable {
    let giveUp: @Sendable () -> Void
    let takeAgainNow: @Sendable () -> Bool
    let takeAgain: @Sendable () async throws -> Void

    /// - Parameters:
    ///   - takeAgainNow: takes it where it is free; whether it has it.
    ///   - takeAgain: waits for it.
    package init(
      giveUp: @escaping @Sendable () -> Void, takeAgainNow: @escaping @Sendable () -> Bool,
      takeAgain: @escaping @Sendable () async throws -> Void
    ) {
      self.giveUp = giveUp
      self.takeAgainNow = takeAgainNow
      self.takeAgain = takeAgain
    }
  }

  /// - Parameters:
  ///   - subject: what the advisory lock is of, so that only one run works on it; its table is locked for
  ///     `access`.
  ///   - reading: the SELECT of no rows that locks what a backup reads.
  package init(
    _ subject: TableDayLock.Subject, for access: TableFacts.Access, at target: PostgresTarget,
    ownPassword: Secret? = nil, in sessions: DatabaseSessions, progress: JobProgress, turn: Turn,
    mayBeMissing: Bool = false, reading: (@Sendable (PostgresConnection) async throws -> String)? = nil
  ) {
    self.subject = subject
    self.access = access
    self.target = target
    self.ownPassword = ownPassword
    self.sessions = sessions
    self.progress = progress
    self.turn = turn
    self.mayBeMissing = mayBeMissing
    self.reading = reading
  }

  /// How long the first attempt waits for the lock, occupying a connection of the pool.
  private static let shortPatience = Duration.seconds(1)

  /// Runs `work` in the transaction.
  /// - Parameters:
  ///   - recovery: what a load does when the connection breaks before its COMMIT is answered, or when `finish` throws a
  ///     ``PostgresError``; a job that only reads needs none.
  ///   - before: runs under the advisory lock, before the transaction; a result ends the run.
  ///   - work: sets the flag before the first step that must not be repeated: after that, a broken connection fails the
  ///     run.
  ///   - finish: runs after the commit, on the same session and under the advisory lock.
  /// - Throws: ``JobError`` `locked`, `already_running`, `commit_unknown`; whatever the parts throw.
  package func run<Work: Sendable, Result: Sendable>(
    recovery: CommitRecovery<Work, Result>? = nil,
    before: @escaping @Sendable (PostgresConnection) async throws -> Result? = { _ in nil },
    work: @escaping @Sendable (PostgresConnection, Flag) async throws -> Work,
    finish: @escaping @Sendable (PostgresConnection, Work) async throws -> Result
  ) async throws -> Result {
    let run = Run(before: before, work: work, finish: finish, recovery: recovery)
    return try await retrying(run) { try await withLockAndTurn(run) }
  }

  /// The state that the attempts of one run share.
  final class Run<Work: Sendable, Result: Sendable>: Sendable {
    let before: @Sendable (PostgresConnection) async throws -> Result?
    let work: @Sendable (PostgresConnection, Flag) async throws -> Work
    let finish: @Sendable (PostgresConnection, Work) async throws -> Result
    let recovery: CommitRecovery<Work, Result>?
    /// A step that must not be repeated has begun.
    let begun = Flag()
    /// Server processes whose connections broke: one may still hold the table-day's lock until the server notices.
    let lostSessions = Mutex<Set<Int>>([])

    init(
      before: @escaping @Sendable (PostgresConnection) async throws -> Result?,
      work: @escaping @Sendable (PostgresConnection, Flag) async throws -> Work,
      finish: @escaping @Sendable (PostgresConnection, Work) async throws -> Result,
      recovery: CommitRecovery<Work, Result>?
    ) {
      self.before = before
      self.work = work
      self.finish = finish
      self.recovery = recovery
    }
  }

  /// How an attempt takes its lock.
  struct LockTry: Sendable {
    var isNarrow = false
    var patience: Duration
    /// Is called once the lock is there.
    var granted: @Sendable () throws -> Void = {}
  }

  private var place: LockQueue.Place { .init(target: target, table: table) }

  /// How long a job waits for a lock in total.
  var limit: Duration { .seconds(sessions.lockTimeoutSeconds) }

  /// Others have the turn that a run has left to them; its transaction has ended, and with it the lock.
  private struct TurnTaken: Error {}

  /// How often a run leaves its turn while it waits for a lock.
  private static let turnsToLeave = 3

  /// Tries until the table's lock and the turn are there together. A run does not wait for its turn with the lock held: a
  /// statement of another session that waits for that lock stops all that come behind it.
  private func withLockAndTurn<Work, Result>(_ run: Run<Work, Result>) async throws -> Result {
    for _ in 0..<Self.turnsToLeave {
      do {
        // A single connection serves nobody else meanwhile: the turn is then kept.
        return try await attemptTwice(run, leavesTurn: sessions.connections > 1)
      } catch is TurnTaken {
        continue
      }
    }
    return try await attemptTwice(run, leavesTurn: false)
  }

  /// One attempt, and a second one with more patience where the table is locked.
  private func attemptTwice<Work, Result>(_ run: Run<Work, Result>, leavesTurn: Bool) async throws -> Result {
    // A try before this one may have left the turn to others.
    try await turn.takeAgain()
    let start = ContinuousClock.now
    let isLocked = Flag()
    var holders = sessions.lockQueue.holders(of: place)
    if holders == nil {
      do {
        return try await attempt(run, isLocked, LockTry(patience: min(Self.shortPatience, limit)))
      } catch let busy as TableLock.NotGranted {
        // A lock that timed out after the table's was granted has already had the whole time limit.
        guard !isLocked.isSet, limit > Self.shortPatience else { throw locked(busy, since: start, isLocked) }
        holders = busy.holders
      }
    }
    if leavesTurn { turn.giveUp() }
    return try await waitOn(run, holders ?? [], since: start, isLocked)
  }

  /// Waits for the lock in the queue of locked tables.
  private func waitOn<Work, Result>(
    _ run: Run<Work, Result>, _ holders: [LockHolder], since start: ContinuousClock.Instant, _ isLocked: Flag
  ) async throws -> Result {
    let end = start + limit
    @Sendable func rest() -> Duration { max(.milliseconds(1), ContinuousClock.now.duration(to: end)) }
    if !holders.isEmpty { progress.waits(for: "\(table) is locked by \(LockHolder.list(holders))", by: "\(subject)") }
    defer { progress.waits(for: nil, by: "\(subject)") }
    do {
      return try await sessions.lockQueue.wait(for: place, holders, within: rest()) { pass in
        try await attempt(
          run, isLocked,
          LockTry(isNarrow: reading != nil, patience: rest()) {
            // The lock is granted: the next job in the queue may wait.
            sessions.lockQueue.markFree(place)
            pass.leave()
            guard turn.takeAgainNow() else { throw TurnTaken() }
          })
      }
    } catch let error as Permits.Timeout {
      throw locked(.init(holders: holders, cause: error), since: start, isLocked)
    } catch let busy as TableLock.NotGranted {
      throw locked(busy, since: start, isLocked)
    }
  }

  /// One attempt, on a session of its own.
  private func attempt<Work, Result>(
    _ run: Run<Work, Result>, _ isLocked: Flag, _ lockTry: LockTry
  ) async throws -> Result {
    try await sessions.pools.withConnection(to: target, ownPassword: ownPassword) { connection in
      try await recordingLoss(of: connection, run) {
        try await transact(run, isLocked, lockTry, on: connection)
      }
    }
  }

  /// Runs `body`, and records the session as lost when its connection breaks.
  private func recordingLoss<Work, Result>(
    of connection: PostgresConnection, _ run: Run<Work, Result>, _ body: () async throws -> Result
  ) async throws -> Result {
    let pid = await connection.backendProcessID
    do {
      return try await body()
    } catch let error as PostgresError where error.isConnectionFailure {
      run.lostSessions.withLock { _ = $0.insert(pid) }
      throw error
    }
  }

  private func locked(
    _ busy: TableLock.NotGranted, since start: ContinuousClock.Instant, _ isLocked: Flag
  ) -> any Error {
    if case PostgresError.server(let error) = busy.cause, error.sqlState != "55P03" { return busy.cause }
    let what = isLocked.isSet ? "a lock on an index, a row or a partition of \(table)" : "\(table)"
    let holder =
      busy.holders.isEmpty ? "by an unknown session" : "by \(LockHolder.list(busy.holders))"
    let waited = Int((start.duration(to: .now).seconds).rounded())
    return JobError(
      .locked,
      "\(what) is \(isLocked.isSet ? "held" : "locked") \(holder); the job waited \(waited) s "
        + "(PG_LOCK_TIMEOUT_SECONDS is \(sessions.lockTimeoutSeconds)). Nothing was changed; end that session or wait "
        + "for it, then run the job again", field: "table")
  }

  /// Retries transient failures until `work` has begun.
  private func retrying<Work, Result>(
    _ run: Run<Work, Result>, _ body: () async throws -> Result
  ) async throws -> Result {
    var schedule = DatabaseRetries(budget: .seconds(sessions.retrySeconds))
    while true {
      do {
        return try await body()
      } catch  where !run.begun.isSet && !Task.isCancelled && isTransient(error, run) {
        guard let wait = schedule.next(now: .now) else { throw error }
        sessions.onRetry()
        Log.write(
          .warning, "a database session failed and is tried again",
          ["archive": subject, "reason": error, "tries": schedule.tries, "wait_seconds": wait.seconds])
        progress.waits(for: "the database server, try \(schedule.tries + 1): \(error)", by: "\(subject)")
        defer { progress.waits(for: nil, by: "\(subject)") }
        try await Task.sleep(for: wait)
        if let pid = Self.holder(error) { await end(pid) }
      }
    }
  }

  /// Whether a retry can succeed. It can also when a session of this run holds the table-day: its connection broke, and
  /// the server has not noticed.
  private func isTransient<Work, Result>(_ error: any Error, _ run: Run<Work, Result>) -> Bool {
    switch error {
    case let error as PostgresError: error.isTransient
    default: Self.holder(error).map { pid in run.lostSessions.withLock { $0.contains(pid) } } ?? false
    }
  }

  /// The server process that holds the table-day's lock, from an `already_running` error.
  private static func holder(_ error: any Error) -> Int? {
    guard let error = error as? JobError, error.code == .alreadyRunning else { return nil }
    return error.details["pid"]?.whole
  }

  /// Ends the session that a broken connection of this run has left in the server. A role may end its own sessions.
  private func end(_ pid: Int) async {
    _ = try? await sessions.pools.withQuestion(to: target, ownPassword: ownPassword) { connection in
      try await connection.query(SQL.endSession, [String(pid), connection.applicationName])
    }
  }
}
