import Archive
import Database
package import Foundation
import Lake
import Postgres
package import Reporting
import TableDays

/// The nightly run: it archives every missing day of the look-back of each table in `BACKUP_TABLES`.
package struct NightlyBackup: Sendable {
  let context: JobContext
  let options: BackupOptions
  let progress: JobProgress

  package init(_ context: JobContext, _ options: BackupOptions, progress: JobProgress = JobProgress()) {
    self.context = context
    self.options = options
    self.progress = progress
  }

  /// Archives the missing days, the latest first. No table-day is begun after `deadline`: the host ends the process
  /// when a function exceeds its time limit. The next night's run archives the days that are left, which the report
  /// lists as `not_begun`.
  /// - Throws: ``JobError`` `not_configured` without tables; `CancellationError` when the run was cut short before it had
  ///   done anything.
  package func run(deadline: Date? = nil) async throws -> BackupReport {
    guard !options.tables.isEmpty else {
      throw JobError(
        .notConfigured, "not set; name the tables, such as events.clicks:received_at", field: "BACKUP_TABLES")
    }
    let database = try context.server.target().database
    await OldFiles(context).remove(database: database)
    let archived: [TableName: Set<Day>]
    do {
      archived = try await ArchiveCatalog(context.lake).days(database: database)
    } catch let error as LakeError {
      throw JobError(cause: error)
    }
    let plan = BackupPlan(nightly: options, database: database, archived: archived, now: context.now())
    let report = try await BackupJob(context, options, progress: progress).run(plan, deadline: deadline)
    let left = report.results.count { $0.status == .notBegun }
    if left > 0 {
      let reason = Task.isCancelled ? "the run was stopped" : "the run ends before the function's time limit"
      Log.write(.warning, "\(reason); the next run does the days that are left", ["left": left])
    }
    return report
  }
}
