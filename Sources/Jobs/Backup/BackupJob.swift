import Archive
import Database
import Essentials
import Lake
import Postgres
package import Reporting
import TableDays

/// Archives table-days.
package struct BackupJob: Sendable {
  let context: JobContext
  let options: BackupOptions
  let progress: JobProgress

  package init(_ context: JobContext, _ options: BackupOptions, progress: JobProgress = JobProgress()) {
    self.context = context
    self.options = options
    self.progress = progress
  }

  /// The plan for `request`.
  /// - Throws: ``JobError`` for a request of which no part can be carried out.
  package func plan(_ request: BackupRequest) throws -> BackupPlan {
    let database = try context.server.target().database
    return try BackupPlan(request, options, database: database, now: context.now())
  }

  /// Archives the units of `plan`. A failed unit does not stop the others. Once `mayBegin` returns false, no further
  /// unit is begun, and units that were not begun have no result. When the job is cancelled, their results are
  /// `not_begun`.
  /// - Throws: `CancellationError` when the job was cancelled before any unit had ended.
  package func run(
    _ plan: BackupPlan, mayBegin: @escaping @Sendable () -> Bool = { true }
  ) async throws -> BackupReport {
    progress.update { $0.units += plan.units.count }
    let results = try await CancellationGrace.shared { await runAll(plan.units, mayBegin: mayBegin) }
    let wasCut = Task.isCancelled
    if wasCut, !results.contains(where: { $0 != nil && $0?.error?.code != .cancelled }) { throw CancellationError() }
    return BackupReport(
      results: zip(plan.units, results).compactMap { unit, result in
        result ?? (wasCut ? BackupResult(unit.tableDay, .notBegun, error: .notBegun) : nil)
      })
  }

  private func runAll(
    _ units: [BackupPlan.Unit], mayBegin: @escaping @Sendable () -> Bool
  ) async -> [BackupResult?] {
    var results = [BackupResult?](repeating: nil, count: units.count)
    await withTaskGroup(of: (Int, BackupResult?).self) { group in
      var next = 0
      func begin() {
        guard next < units.count, !Task.isCancelled else { return }
        let index = next
        next += 1
        group.addTask { (index, await result(of: units[index], mayBegin)) }
      }
      for _ in 0..<context.admission.limit { begin() }
      for await (index, result) in group {
        results[index] = result
        if result != nil { progress.update { $0.finishedUnits += 1 } }
        begin()
      }
    }
    return results
  }

  /// Archives one unit once it is admitted. A failure becomes a result.
  /// - Returns: nil when the unit was not begun.
  private func result(of unit: BackupPlan.Unit, _ mayBegin: @Sendable () -> Bool) async -> BackupResult? {
    do {
      return try await context.admission.admitting(unit.tableDay, for: .backup, progress) { place in
        mayBegin() ? await result(of: unit, place) : nil
      }
    } catch {
      return nil
    }
  }

  private func result(of unit: BackupPlan.Unit, _ place: Admission.Place) async -> BackupResult {
    let start = ContinuousClock.now
    progress.update { $0.subject = "\(unit.tableDay.table) \(unit.tableDay.day)" }
    var result: BackupResult
    do {
      result = try await TableDayBackup(
        context: context, options: options, progress: progress, place: place, unit: unit
      ).run()
    } catch {
      result = BackupResult(unit.tableDay, .failed, error: .ofTableDay(error))
    }
    result.seconds = start.duration(to: .now).secondsToMilliseconds
    log(result, of: unit.tableDay)
    return result
  }

  private func log(_ result: BackupResult, of tableDay: TableDay) {
    if let error = result.error {
      Log.write(
        .error, "backup \(result.status.rawValue)",
        ["archive": tableDay, "code": error.code.rawValue, "reason": error.message])
    } else {
      Log.write(
        .info, "backup \(result.status.rawValue)",
        [
          "archive": tableDay, "rows": result.rows ?? 0, "gzip_bytes": result.gzipBytes ?? 0,
          "seconds": result.seconds ?? 0,
        ])
    }
  }
}

extension JobError {
  /// The error of a table-day's result. In a cancelled job every failure counts as cancelled.
  static func ofTableDay(_ cause: any Error) -> JobError {
    let error = JobError(cause: cause)
    guard Task.isCancelled else { return error }
    return JobError(
      .cancelled, "the job was cancelled while it worked on this table-day; its work was undone. Run the job again",
      details: error.details)
  }

  /// The error of a table-day that a cancelled job has not begun.
  static var notBegun: JobError {
    JobError(.cancelled, "the job was cancelled before it began this table-day; run the job again")
  }
}
