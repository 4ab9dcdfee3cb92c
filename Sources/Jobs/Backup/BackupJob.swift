import Archive
import Database
import Essentials
import Foundation
import Lake
import Postgres
package import Reporting
import TableDays

/// Archives table-days.
package struct BackupJob: Sendable {
  package let context: JobContext
  package let options: BackupOptions
  let progress: JobProgress
  let onResult: (@Sendable (BackupResult) -> Void)?

  /// - Parameter onResult: receives each result as its table-day ends, and those of table-days that were not begun last. It
  ///   tells the results' warnings too; without it they are in the log.
  package init(
    _ context: JobContext, _ options: BackupOptions, progress: JobProgress = JobProgress(),
    onResult: (@Sendable (BackupResult) -> Void)? = nil
  ) {
    self.context = context
    self.options = options
    self.progress = progress
    self.onResult = onResult
  }

  /// The plan for `request`.
  /// - Throws: ``JobError`` for a request of which no part can be carried out.
  package func plan(_ request: BackupRequest) throws -> BackupPlan {
    let database = try context.server.target().database
    return try BackupPlan(request, options, database: database, now: context.now())
  }

  /// Archives the units of `plan`. One that fails does not stop the others. Those that were not begun, since the job was
  /// cancelled or `deadline` has passed, are listed as such: the host ends the process when a function outlives its limit.
  /// - Parameter time: that of the invocation, where a host stands in front: a table-day is not begun that would not end within
  ///   it at the rate measured on its table.
  /// - Throws: `CancellationError` when the job was cut short before it had done anything.
  package func run(_ plan: BackupPlan, within time: FunctionTime? = nil) async throws -> BackupReport {
    progress.update { $0.units += plan.units.count }
    let counted = CountedTables()
    let results = try await CancellationGrace.shared { await runAll(plan.units, counted, time) }
    if Task.isCancelled, results.allSatisfy({ $0.error?.code == .cancelled }) { throw CancellationError() }
    await note(plan, results)
    return BackupReport(results: results, lake: context.lake.displayURL)
  }

  /// Notes the days without rows.
  private func note(_ plan: BackupPlan, _ results: [BackupResult]) async {
    // A lake that is gone has been waited for.
    guard let database = plan.units.first?.tableDay.database,
      !results.contains(where: { $0.error?.code == .lakeUnavailable })
    else { return }
    await context.note(DaysWithoutRows.Findings(plan, results, options, now: context.now()), of: database)
  }

  /// The result of the only table-day of `plan` where an attempt of the same request, by its key, has made the archive that is
  /// there; nil where none has.
  /// - Throws: `LakeError`.
  package func earlierResult(of plan: BackupPlan) async throws -> BackupResult? {
    guard plan.units.count == 1, let unit = plan.units.first, let key = unit.key,
      let existing = try await ExistingArchive.find(unit.tableDay, in: context.lake)
    else { return nil }
    return existing.result(ofAttempt: key, unit.tableDay, by: unit.timeColumn, nil)
  }

  /// The most table-days of one job that wait for locked tables.
  private static let maximumWaiting = 64

  /// Begins the units in their order, each as soon as it is admitted. One that waits for a locked table leaves its turn to
  /// the next.
  private func runAll(
    _ units: [BackupPlan.Unit], _ counted: CountedTables, _ time: FunctionTime?
  ) async -> [BackupResult] {
    var results = [BackupResult?](repeating: nil, count: units.count)
    await withTaskGroup(of: (Int, BackupResult).self) { group in
      for (index, unit) in units.enumerated() {
        do {
          let patience = try context.patience(until: time?.lastBegin)
          let place = try await context.admission.enter(unit.tableDay, for: .backup, progress, within: patience)
          if let refused = await tooLong(unit, time) {
            place.giveUp()
            progress.finish("\(unit.tableDay)")
            onResult?(refused)
            results[index] = refused
            continue
          }
          group.addTask {
            defer { place.giveUp() }
            let name = "\(unit.tableDay)"
            let result = await JobProgress.$unit.withValue(name) { await self.result(of: unit, counted, place) }
            if result.error == nil { progress.note(done: "\(unit.tableDay.table) \(unit.tableDay.day)") }
            progress.finish(name)
            onResult?(result)
            return (index, result)
          }
        } catch {
          results[index] = BackupResult(unit.tableDay, .notBegun, error: .notBegun(error))
        }
        if progress.reading.waiting >= Self.maximumWaiting, let (index, result) = await group.next() {
          results[index] = result
        }
      }
      for await (index, result) in group { results[index] = result }
    }
    for case let result? in results where result.status == .notBegun {
      context.count(result)
      onResult?(result)
    }
    return results.compactMap(\.self)
  }

  /// The result of a table-day that would not end in time, by the rate measured on its table: it has failed where it never would,
  /// and was not begun where another run has more time.
  private func tooLong(_ unit: BackupPlan.Unit, _ time: FunctionTime?) async -> BackupResult? {
    guard let time, let pace = await context.paces.pace(before: unit.tableDay, in: context.lake) else { return nil }
    let estimate = "about \(Int(pace.seconds.rounded(.up))) s, as one of the last days of \(unit.tableDay.table) took"
    if pace.seconds > time.seconds {
      let error = JobError(
        .functionTimeoutTooShort,
        """
        the table-day would take \(estimate), longer than functionTimeout (\(Int(time.seconds)) s); raise \
        AzureFunctionsJobHost__functionTimeout, or archive the table with sluice backup in a job without that limit
        """)
      let result = BackupResult(unit.tableDay, .failed, error: error)
      log(result, of: unit.tableDay)
      return result
    }
    guard context.now().addingTimeInterval(pace.seconds) > time.end else { return nil }
    return BackupResult(
      unit.tableDay, .notBegun,
      error: JobError(
        .noTurn,
        """
        the table-day would take \(estimate), longer than what is left of functionTimeout; the next run begins with more time
        """))
  }

  private func result(
    of unit: BackupPlan.Unit, _ counted: CountedTables, _ place: Admission.Place
  ) async -> BackupResult {
    let start = ContinuousClock.now
    progress.update { $0.subject = "\(unit.tableDay.table) \(unit.tableDay.day)" }
    var result: BackupResult
    do {
      result = try await TableDayBackup(
        context: context, options: options, progress: progress, place: place, unit: unit, counted: counted
      ).run()
    } catch {
      result = BackupResult(unit.tableDay, .failed, error: .ofTableDay(error))
    }
    result.seconds = start.duration(to: .now).secondsToMilliseconds
    if result.status == .ok, let bytes = result.csvBytes {
      context.paces.note(unit.tableDay, seconds: result.seconds ?? 0, csvBytes: bytes)
    }
    log(result, of: unit.tableDay)
    context.count(result)
    return result
  }

  private func log(_ result: BackupResult, of tableDay: TableDay) {
    if let error = result.error {
      Log.write(
        Log.failureLevel, "backup \(result.status.rawValue)",
        ["archive": tableDay, "code": error.code.rawValue, "reason": error.message])
    } else {
      if onResult == nil { for warning in result.warnings { Log.write(.warning, warning, ["archive": tableDay]) } }
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
  /// The error of a table-day's result. In a cancelled job every failure counts as cancelled, except a commit of unknown
  /// outcome, after which rows may be there.
  static func ofTableDay(_ cause: any Error) -> JobError {
    let error = JobError(cause: cause)
    guard Task.isCancelled, error.code != .commitUnknown else { return error }
    return JobError(
      .cancelled, "the job was cancelled while it worked on this table-day; run the job again",
      details: error.details)
  }

  /// Of a table-day that a job has not reached: its turn did not come in time, or the job was cancelled.
  static func notBegun(_ cause: any Error) -> JobError {
    if cause is Admission.NoTurn {
      return JobError(
        .noTurn,
        "the table-day's turn did not come within three quarters of the function's time limit; at most BACKUP_CONCURRENCY "
          + "table-days are in progress at a time. Run the job again"
      )
    }
    return JobError(.cancelled, "the job was cancelled before it began this table-day; run the job again")
  }
}

extension JobContext {
  /// How long a table-day may wait for its turn so that it begins before `deadline`; nil means without a limit.
  /// - Throws: ``Admission/NoTurn`` after the deadline.
  func patience(until deadline: Date?) throws -> Duration? {
    guard let deadline else { return nil }
    let seconds = deadline.timeIntervalSince(now())
    guard seconds > 0 else { throw Admission.NoTurn() }
    return .seconds(seconds)
  }
}
