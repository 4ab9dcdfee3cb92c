import Archive
import Database
import Foundation
import Lake
import Postgres
package import Reporting
import TableDays

/// The nightly run: it archives every missing day of the look-back of each table in `BACKUP_TABLES`, and the last archived
/// days again that have got more rows since.
package struct NightlyBackup: Sendable {
  let context: JobContext
  let options: BackupOptions
  package let progress: JobProgress
  let onResult: (@Sendable (BackupResult) -> Void)?

  /// - Parameter onResult: as of ``BackupJob``.
  package init(
    _ context: JobContext, _ options: BackupOptions, progress: JobProgress = JobProgress(),
    onResult: (@Sendable (BackupResult) -> Void)? = nil
  ) {
    self.context = context
    self.options = options
    self.progress = progress
    self.onResult = onResult
  }

  /// What the run would archive: the missing days, and those that have got more rows since they were archived.
  /// - Throws: ``JobError`` `not_configured` without tables.
  package func plan() async throws -> BackupPlan {
    try refuseNoTables()
    let database = try context.server.target().database
    do {
      let archived = try await ArchiveCatalog(context.lake).days(database: database)
      let now = context.now()
      let plan = BackupPlan(nightly: options, database: database, archived: archived, now: now)
      var seen = NightlyReport(backup: BackupReport(results: []))
      await review(Night(start: now, database: database, archived: archived, plan: plan), &seen, until: nil)
      return plan + lateDays(seen, database: database)
    } catch let error as LakeError {
      throw JobError(cause: error)
    }
  }

  private func refuseNoTables() throws {
    guard options.tables.isEmpty else { return }
    throw JobError(
      .notConfigured, "not set; name the tables, such as events.clicks:received_at", field: "BACKUP_TABLES")
  }

  /// Archives the missing days, the latest first. No table-day is begun that would not end within `time`: the host ends the
  /// process when a function exceeds its time limit. The next night's run archives the days that are left, which the report
  /// lists as `not_begun`.
  /// - Throws: ``JobError`` `not_configured` without tables; `CancellationError` when the run was cut short before it had
  ///   done anything.
  package func run(within time: FunctionTime? = nil) async throws -> NightlyReport {
    let night = try await prepare()
    let job = BackupJob(context, options, progress: progress, onResult: onResult)
    var report = NightlyReport(backup: try await job.run(night.plan, within: time))
    await review(night, &report, until: time?.lastBegin)
    try await archiveAgain(&report, database: night.database, within: time)
    tell(report)
    warn(report)
    return report
  }

  /// The night's table-days, which others archive, and what the run has seen of the tables beside them.
  /// - Throws: ``JobError`` `not_configured` without tables.
  package func divided(within time: FunctionTime? = nil) async throws -> (plan: BackupPlan, report: NightlyReport) {
    let night = try await prepare()
    var report = NightlyReport(backup: BackupReport(results: [], lake: context.lakeURL))
    await review(night, &report, until: time?.lastBegin)
    // The messages archive the late days again.
    var told = report
    for index in told.changed.indices where told.changed[index].tableRows > told.changed[index].archiveRows {
      told.changed[index].archivedAgain = true
    }
    warn(told, isUnderWay: true)
    return (night.plan + lateDays(report, database: night.database), report)
  }

  /// What is there before the run.
  private struct Night {
    let start: Date
    let database: String
    let archived: [TableName: Set<Day>]
    let plan: BackupPlan
  }

  private func prepare() async throws -> Night {
    // Also without tables: a service that is called by HTTP alone has documents of operations.
    if let database = context.server.database { await OldFiles(context).remove(database: database) }
    try refuseNoTables()
    let start = context.now()
    let database = try context.server.target().database
    await RestoreDebts(context: context, timeZone: options.timeZone).payAll(in: try context.server.target())
    let archived: [TableName: Set<Day>]
    do {
      archived = try await ArchiveCatalog(context.lake).days(database: database)
    } catch let error as LakeError {
      throw JobError(cause: error)
    }
    // Where a job could not note that a day is archived.
    var findings = DaysWithoutRows.Findings()
    findings.archived = archived
    await context.note(findings, of: database)
    return Night(
      start: start, database: database, archived: archived,
      plan: BackupPlan(nightly: options, database: database, archived: archived, now: start))
  }

  private func review(_ night: Night, _ report: inout NightlyReport, until deadline: Date?) async {
    await TableReview(context: context, options: options, database: night.database, start: night.start).add(
      to: &report, archived: night.archived, until: deadline)
  }

  /// Writes a warning for each table of which something is left to do.
  /// - Parameter isUnderWay: what is told as archived again is on its way.
  private func warn(_ report: NightlyReport, isUnderWay: Bool = false) {
    if !report.unreviewed.isEmpty {
      Log.write(
        .warning, "tables were not reviewed for days that were never archived",
        ["tables": report.unreviewed.map(\.description).joined(separator: ", ")])
    }
    let reason = Task.isCancelled ? "the run was stopped" : "the run ends before the function's time limit"
    for table in options.tables.map(\.table) {
      let left = report.backup.results.count { $0.table == table && $0.status == .notBegun }
      if left > 0 {
        Log.write(.warning, "\(reason); the next run does the days that are left", ["table": table, "days": left])
      }
      let spans = report.unarchived.filter { $0.table == table }
      if !spans.isEmpty {
        Log.write(
          .warning,
          "days before BACKUP_LOOKBACK_DAYS were never archived; archive them with a backup from the first to the last",
          [
            "table": table, "days": spans.reduce(0) { $0 + $1.from.count(through: $1.to) },
            "first": spans.map(\.from).min().map { "\($0)" } ?? "", "last": spans.map(\.to).max().map { "\($0)" } ?? "",
          ])
      }
      for day in report.changed where day.table == table && !day.isDropped {
        let isLate = day.tableRows > day.archiveRows
        let message =
          !isLate
          ? "rows of a day were removed since it was archived; its archive is kept"
          : day.archivedAgain == true
            ? "rows came into a day after it was archived; it \(isUnderWay ? "is" : "was") archived again"
            : "rows came into a day after it was archived; archive it again with overwrite"
        Log.write(
          day.archivedAgain == true ? .info : .warning, message,
          ["table": table, "date": day.date, "archive_rows": day.archiveRows, "table_rows": day.tableRows])
      }
    }
  }
}
