import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays

/// What earlier restores have left after their commits, and holds that are over.
struct RestoreDebts: Sendable {
  let context: JobContext
  /// The zone of the archives' days.
  let timeZone: TimeZone

  /// Does the steps that are left, on a session outside a transaction.
  /// - Parameters:
  ///   - load: the id of one load; nil for all.
  ///   - table: the table that was loaded; nil for all.
  ///   - isAskedFor: the caller is told where the log, or without `load` the table of holds, is there and cannot be used.
  /// - Returns: a result for each load, and for each hold that should have ended; and the jobs that run again.
  /// - Throws: ``JobError`` `load_not_found`, `restore_log_needed`, `hold_not_kept`, and the errors of the database.
  func pay(
    load: String? = nil, of table: TableName? = nil, isAskedFor: Bool = false, on connection: PostgresConnection
  ) async throws -> (results: [RestoreResult], resumedJobs: [Int]) {
    if isAskedFor { try await RestoreLog.checkDebts(on: connection) }
    let debts = try await RestoreLog.debts(load: load, of: table, on: connection)
    if let load, debts.isEmpty {
      throw JobError(
        .loadNotFound,
        "no load \(load) owes steps in the database \(connection.target.database); its steps are done, or the load is of another "
          + "database", field: "resume")
    }
    var results: [RestoreResult] = []
    for debt in debts {
      try Task.checkCancellation()
      let result = await pay(debt, on: connection)
      if result.status == .ok {
        Log.write(
          .info, "steps that an earlier restore left are done", ["load": debt.load, "table": debt.owed.tableName])
      } else {
        Log.write(
          .warning, "steps that an earlier restore left are not done",
          [
            "load": debt.load, "table": debt.owed.tableName, "status": result.status.rawValue,
            "reason": result.error?.message ?? result.warnings.joined(separator: "; "),
          ])
      }
      results.append(result)
    }
    if isAskedFor, load == nil {
      do {
        try await Hold.checkEnds(on: connection)
      } catch let error as JobError where !results.isEmpty {
        // The steps are done; their results are told too.
        results[results.count - 1].doubt(error.message)
      }
    }
    let ended = try await Hold.endThoseOver(
      lockTimeout: context.sessions.lockTimeout, on: connection)
    results += ended.open.filter { load == nil || $0.load == load }.map { result(of: $0, on: connection) }
    let jobs = ended.resumed
    if !jobs.isEmpty {
      Log.write(
        .info, "jobs that were paused for a hold run again",
        ["jobs": jobs.map { String($0) }.joined(separator: ", ")])
    }
    return (results, jobs)
  }

  /// A hold that is over and has not ended.
  private func result(of hold: Hold.Open, on connection: PostgresConnection) -> RestoreResult {
    RestoreResult(
      status: .partial, database: connection.target.database,
      targetTable: hold.table ?? TableName(schema: "sluice", name: "hold"),
      dateWindow: .init(start: hold.start, end: hold.end), mode: .direct,
      warnings: ["the hold of the load \(hold.load) is over and was not ended: \(hold.reason)"])
  }

  /// Does what is left in `target`; a failure is logged.
  func payAll(of table: TableName? = nil, in target: PostgresTarget, ownPassword: Secret? = nil) async {
    do {
      _ = try await context.sessions.pools.withConnection(to: target, ownPassword: ownPassword) { connection in
        try await pay(of: table, on: connection)
      }
    } catch {
      // The job itself tells of what is wrong with the server.
      Log.write(.debug, "steps of earlier restores were not looked for", ["reason": error])
    }
  }

  private func pay(_ debt: RestoreLog.Debt, on connection: PostgresConnection) async -> RestoreResult {
    let steps = StepLog()
    let start = ContinuousClock.now
    let owed = debt.owed
    // Restores lock the name that the table has now.
    let tableDay = TableDay(
      database: connection.target.database, table: owed.present ?? owed.tableName, day: owed.day)
    var result = RestoreResult(
      status: .ok, database: tableDay.database, targetTable: owed.tableName,
      dateWindow: .init(DayWindow(owed.day, in: timeZone)), mode: .direct)
    do {
      try await TableDayLock.hold(.init(tableDay), on: connection) {
        try await pay(debt, steps, on: connection, &result)
      }
    } catch {
      result.status = .failed
      result.error = JobError(cause: error)
    }
    result.seconds = StepLog.seconds(since: start)
    result.steps = steps.all(otherwise: "done by the load").filter { [.recompress, .refresh].contains($0.name) }
    return result
  }
}

extension RestoreResult {
  fileprivate mutating func doubt(_ warning: String) {
    if status == .ok { status = .partial }
    warnings.append(warning)
  }
}

extension RestoreDebts {
  /// Does the steps of one load, under the lock of its table-day, and keeps and tells what is left.
  func pay(
    _ debt: RestoreLog.Debt, _ steps: StepLog, ownPassword: Secret? = nil, on connection: PostgresConnection,
    _ result: inout RestoreResult
  ) async throws {
    let worker = StepsAfterCommit(context: context, timeZone: timeZone, steps: steps)
    let (rest, doubts) = await worker.performLogged(debt.owed, on: connection)
    result.doubts(doubts, load: debt.load)
    if var undone = rest {
      undone.remove(doubts)
      if undone.isEmpty { result.leaves(load: debt.load) } else { result.owes(undone, load: debt.load) }
    }
    try await worker.keep(rest, of: debt.owed, load: debt.load, ownPassword: ownPassword, on: connection)
  }
}

extension RestoreJob {
  /// Does the steps that earlier restores have left after their commits, and ends the holds that are over.
  /// - Parameters:
  ///   - load: the id of one load; nil for all of the database.
  ///   - database: the database; nil is that of the settings.
  /// - Throws: ``JobError`` `load_not_found`, `restore_log_needed`, `hold_not_kept`, and the errors of the database.
  package func resume(load: String?, database: String? = nil) async throws -> RestoreReport {
    do {
      let target = try context.server.target(database: database)
      let paid = try await context.sessions.pools.withConnection(to: target) { connection in
        try await RestoreDebts(context: context, timeZone: options.timeZone).pay(
          load: load, isAskedFor: true, on: connection)
      }
      return RestoreReport(results: paid.results, resumedJobs: paid.resumedJobs)
    } catch  where !Task.isCancelled {
      throw JobError(cause: error)
    }
  }

  /// Does what killed runs of restores into the same table have left, before anything is loaded.
  func payOldDebts(_ request: RestoreRequest, _ source: RestoreSource) async {
    guard let target = try? request.server.target(database: source.database, context.server) else { return }
    await RestoreDebts(context: context, timeZone: options.timeZone).payAll(
      of: request.destination.targetTable ?? source.table, in: target, ownPassword: request.server.password)
  }
}
