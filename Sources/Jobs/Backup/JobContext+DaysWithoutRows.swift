import Archive
import Foundation
import Reporting
import TableDays

extension JobContext {
  /// Notes which days have neither rows nor an archive, for listings. What hinders that is worth a warning, and no failure of the job.
  func note(_ findings: DaysWithoutRows.Findings, of database: String) async {
    // What is archived is taken out by the next night too: a job that was cut short needs its time for its cleanup.
    guard !findings.without.isEmpty || !findings.archived.isEmpty && !Task.isCancelled else { return }
    // The caller does not wait long for the report.
    let limit: Duration = Task.isCancelled ? .seconds(1) : .seconds(10)
    let work = Task { [lake] in try await DaysWithoutRows.note(findings, of: database, in: lake) }
    let timer = Task {
      try await Task.sleep(for: limit)
      work.cancel()
    }
    defer { timer.cancel() }
    do {
      try await work.value
    } catch {
      let reason = error is CancellationError ? "the lake took too long" : JobError(cause: error).message
      Log.write(.warning, "the days without rows were not noted", ["database": database, "reason": reason])
    }
  }
}

extension DaysWithoutRows.Findings {
  /// What a backup has found. A day that was looked at by another column, unit or clock than that of the settings is none without
  /// rows, nor is one of a table that is not in `BACKUP_TABLES`.
  init(_ plan: BackupPlan, _ results: [BackupResult], _ options: BackupOptions, now: Date) {
    self.init()
    let units = Dictionary(plan.units.map { ($0.tableDay, $0) }, uniquingKeysWith: { first, _ in first })
    for result in results {
      if result.hasArchive { archived[result.table, default: []].insert(result.date) }
      let tableDay = TableDay(database: result.database, table: result.table, day: result.date)
      guard let hadEarlierRows = result.hadEarlierRows, units[tableDay]?.isAsConfigured(options) == true else {
        continue
      }
      // Nobody drops the rows of a day that has just ended.
      let isFresh = result.date >= options.today(of: result.table, now: now).adding(days: -2)
      without[result.table, default: [:]][result.date] = hadEarlierRows || isFresh ? .certain : .doubtful
    }
  }
}

extension BackupResult {
  /// There is an archive of the day, or one may have been published.
  fileprivate var hasArchive: Bool {
    switch status {
    case .ok, .unconfirmed: true
    case .skipped: path != nil
    case .failed, .notBegun: false
    }
  }
}

extension BackupPlan.Unit {
  /// Whether it asks for the day as a nightly run does.
  fileprivate func isAsConfigured(_ settings: BackupOptions) -> Bool {
    guard let own = settings.tables.first(where: { $0.table == tableDay.table }) else { return false }
    return options.timeColumn == own.timeColumn && options.unit == own.unit
      && clock == own.clock ?? settings.timeZone
  }
}
