import Database
import Foundation
import Postgres
import Reporting
import TableDays

extension RestoreJob {
  /// Does the steps that earlier restores have left after their commits, and ends the holds that are over.
  /// - Parameters:
  ///   - load: the id of one load; nil for all of the database.
  ///   - database: the database; nil is that of the settings.
  /// - Throws: ``JobError`` `load_not_found`, and the errors of the database.
  package func resume(load: String?, database: String? = nil) async throws -> RestoreReport {
    do {
      let target = try context.server.target(database: database)
      return try await context.sessions.pools.withConnection(to: target) { connection in
        let debts = try await RestoreLog.debts(load: load, on: connection)
        if let load, debts.isEmpty {
          throw JobError(
            .loadNotFound,
            "no load \(load) owes steps in the database \(target.database); its steps are done, or the load is of another database",
            field: "resume")
        }
        var results: [RestoreResult] = []
        for debt in debts {
          try Task.checkCancellation()
          results.append(await pay(debt, on: connection))
        }
        let jobs = try await Hold.endThoseOver(on: connection)
        Self.log(jobs)
        return RestoreReport(results: results, resumedJobs: jobs)
      }
    } catch  where !Task.isCancelled {
      throw JobError(cause: error)
    }
  }

  private static func log(_ jobs: [Int]) {
    guard !jobs.isEmpty else { return }
    Log.write(
      .info, "jobs that were paused for a hold run again",
      ["jobs": jobs.map { String($0) }.joined(separator: ", ")])
  }

  /// Pays what killed runs of restores into the same table have left, and ends the holds that are over. A failure is logged.
  func payOldDebts(_ request: RestoreRequest, _ source: RestoreSource) async {
    do {
      let target = try request.server.target(database: source.archive.database, context.server)
      let table = request.destination.targetTable ?? source.archive.table
      try await context.sessions.pools.withConnection(to: target, ownPassword: request.server.password) { connection in
        for debt in try await RestoreLog.debts(of: table, on: connection) {
          let result = await pay(debt, on: connection)
          Log.write(
            result.status == .ok ? .info : .warning, "steps that an earlier restore left",
            ["load": debt.load, "status": result.status.rawValue])
        }
        Self.log(try await Hold.endThoseOver(on: connection))
      }
    } catch {
      // The load itself tells of what is wrong with the server.
      Log.write(.debug, "steps of earlier restores were not looked for", ["reason": error])
    }
  }

  private func pay(_ debt: RestoreLog.Debt, on connection: PostgresConnection) async -> RestoreResult {
    let steps = StepLog()
    let start = ContinuousClock.now
    let owed = debt.owed
    var result = RestoreResult(
      status: .ok, database: connection.target.database, targetTable: owed.tableName,
      dateWindow: .init(DayWindow(owed.day, in: options.timeZone)), mode: .direct)
    do {
      let tableDay = TableDay(database: connection.target.database, table: owed.tableName, day: owed.day)
      let rest = try await TableDayLock.hold(tableDay, on: connection) {
        let rest = await StepsAfterCommit(context: context, options: options, steps: steps).perform(
          owed, on: connection)
        try await RestoreLog.keep(rest, of: debt.load, on: connection)
        return rest
      }
      if let rest { result.owes(rest, load: debt.load) }
    } catch {
      result = RestoreResult(
        status: .failed, database: connection.target.database, targetTable: owed.tableName,
        dateWindow: result.dateWindow, mode: .direct, error: JobError(cause: error))
    }
    result.seconds = StepLog.seconds(since: start)
    result.steps = steps.all(otherwise: "done by the load").filter { [.recompress, .refresh].contains($0.name) }
    return result
  }
}
