import Archive
import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays

/// One run of one task.
struct TaskRun: Sendable {
  let job: MaintenanceJob
  let task: MaintenanceTask
  let target: PostgresTarget
  let isDryRun: Bool
  let ends: Date?
  let tally: TaskTally
  let session: UpkeepSession
  let notebook: MaintenanceNotebook

  var context: JobContext { job.context }

  init(job: MaintenanceJob, task: MaintenanceTask, target: PostgresTarget, isDryRun: Bool, runEnds: Date?) {
    self.job = job
    self.task = task
    self.target = target
    self.isDryRun = isDryRun
    ends = [runEnds, task.budget.map { job.context.now().addingTimeInterval($0.seconds) }].compactMap(\.self).min()
    tally = TaskTally(task)
    session = UpkeepSession(task.name, at: target, in: job.context.sessions, lockTimeout: task.lockTimeout)
    notebook = MaintenanceNotebook(context: job.context, task: task, database: target.database)
  }

  func run() async -> MaintenanceResult {
    let start = ContinuousClock.now
    do {
      if task.deletesFrom == nil { try await checkTime() }
      try await session.run(locks: !isDryRun, endsSession: task.isStatement, limit: { timeLeft }) { connection in
        // A session before this one may have broken.
        tally.update { ($0.result.left, $0.result.parts) = ([], []) }
        // Only under the lock: the note is that of whoever has it.
        if task.deletesFrom != nil, !isDryRun { try await goOn() }
        try await checkTime()
        switch task.kind {
        case .deleteOlderThan, .deduplicate, .deleteOrphans: try await deleteRows(on: connection)
        case .vacuum(let vacuum): try await self.vacuum(vacuum, on: connection)
        case .analyze(let analyze): try await self.analyze(analyze, on: connection)
        case .reindex(let reindex): try await self.reindex(reindex, on: connection)
        case .sql(let statement): try await run(statement, on: connection)
        }
      }
    } catch {
      take(error)
    }
    await finish()
    tally.update { $0.result.seconds = start.duration(to: .now).secondsToMilliseconds }
    let result = tally.now.result
    let failed = [.failed, .unconfirmed].contains(result.outcome)
    Log.write(
      failed ? Log.failureLevel : .info, "maintenance \(result.outcome.rawValue)",
      [
        "task": task.name, "kind": task.kind.name.rawValue, "rows": result.rows, "batches": result.batches,
        "reason": result.error?.message ?? result.reason ?? "",
      ])
    return result
  }

  /// Takes down why a run ended before its end.
  private func take(_ error: any Error) {
    let isCancelled = Task.isCancelled
    let isOver = ends.map { context.now() >= $0 } ?? false
    tally.update { state in
      switch error {
      case let stopped as TaskStopped:
        (state.result.outcome, state.result.reason, state.result.detail) = (.stopped, stopped.reason, stopped.detail)
      case let kept as TaskKept:
        (state.result.outcome, state.result.reason, state.result.detail) = (.kept, kept.reason, kept.detail)
      case let error as JobError where error.code == .alreadyRunning && state.result.batches == 0:
        (state.result.outcome, state.result.reason) = (.skipped, error.code.rawValue)
        state.result.detail = error.message
      case _ where isCancelled:
        (state.result.outcome, state.result.reason) = (.stopped, "cancelled")
        state.result.detail = "the job was cancelled; the next run goes on"
      case PostgresError.server(let error) where error.sqlState == "57014" && isOver:
        (state.result.outcome, state.result.reason) = (.stopped, "budget")
        state.result.detail = "its time was used up; the next run goes on"
      case PostgresError.server(let error) where error.sqlState == "55P03":
        (state.result.outcome, state.result.reason) = (.stopped, "locked")
        state.result.detail =
          "another session holds a lock for longer than lock_timeout; the next run goes on"
      default:
        let rows = state.result.rows
        var failure = failure(of: error)
        if rows > 0 {
          failure.text = failure.text.replacing {
            $0.replacing(#/nothing was (changed|deleted|loaded)/#, with: "\(rows) rows were deleted before")
          }
        }
        state.result.outcome = failure.code == .commitUnknown ? .unconfirmed : .failed
        state.result.reason = failure.code.rawValue
        state.result.error = failure
      }
    }
  }

  /// The job's error; of a constraint in the words of a deletion.
  private func failure(of error: any Error) -> JobError {
    guard task.deletesFrom != nil, case PostgresError.server(let server) = error, server.sqlState.hasPrefix("23") else {
      return JobError(cause: error)
    }
    let name = server.hasServersNames ? server.constraintName : nil
    return JobError(
      .constraintViolation,
      "a row of the batch may not go, because of \(name.map { "the constraint \($0)" } ?? "a function or trigger of the database") (SQLSTATE \(server.sqlState)); nothing was deleted. "
        + "Delete the rows that name it first, by a task of a smaller order")
  }

  /// Tells the audit chain and the task's document how it ended, also where the job is cancelled.
  private func finish() async {
    guard task.deletesFrom != nil, !isDryRun else { return }
    let end = Task {
      if let warning = await endChange() { tally.update { $0.result.warnings.append(warning) } }
      let state = tally.now
      // The document is that of the run that has the lock.
      guard state.result.reason != JobErrorCode.alreadyRunning.rawValue else { return }
      let isStopped = state.result.outcome == .stopped
      guard state.notedAt != nil || state.result.resumedAt != nil || isStopped && state.hasGoneOn else { return }
      let status: Operation.State =
        switch state.result.outcome {
        case .ok, .nothing, .kept, .planned, .notDue: .succeeded
        case .stopped, .skipped: .partial
        case .failed, .unconfirmed: .failed
        }
      // Proofs of days that are half deleted are needed also after a run that came to its end.
      let isOpen = !state.note.proofs.isEmpty && status == .succeeded
      do {
        var note = state.note
        note.goesOn = isStopped
        try await notebook.write(note, isOpen ? .partial : status)
      } catch {
        tellNotNoted(error)
      }
    }
    await end.value
  }

  func tellNotNoted(_ error: any Error) {
    let reason = JobError(cause: error).message
    Log.write(.warning, "where a task is could not be noted", ["task": task.name, "reason": reason])
  }

  // MARK: Limits

  /// - Throws: ``TaskStopped``.
  private func checkTime() async throws {
    guard !Task.isCancelled else { throw CancellationError() }
    guard let ends, context.now() >= ends else { return }
    throw TaskStopped(reason: "budget", detail: "its time is used up; the next run goes on")
  }

  /// What is left of the time; nil is without a limit.
  var timeLeft: Duration? { ends.map { .seconds(max(0.001, $0.timeIntervalSince(context.now()))) } }

  /// Asks, between two batches, whether the task may go on.
  /// - Throws: ``TaskStopped``.
  func checkLimits(on connection: PostgresConnection) async throws {
    try await checkTime()
    guard task.maximumReplicationLag != nil || task.maximumActiveSessions != nil else { return }
    let load = try await ServerLoad.read(on: connection)
    if !load.isVisible {
      let warning =
        "max_replication_lag and max_active_sessions are not obeyed: the role may not see what others do; grant it pg_read_all_stats"
      tally.update { if !$0.result.warnings.contains(warning) { $0.result.warnings.append(warning) } }
      return
    }
    if let limit = task.maximumReplicationLag, let lag = load.replicationLag, lag > limit.seconds {
      throw TaskStopped(
        reason: "replication_lag", detail: "a replica is \(lag.rounded()) s behind; the next run goes on")
    }
    if let limit = task.maximumActiveSessions, load.activeSessions > limit {
      throw TaskStopped(
        reason: "active_sessions",
        detail: "\(load.activeSessions) other sessions are active, and \(limit) are allowed; the next run goes on")
    }
  }
}
