import Database
import Essentials
package import Foundation
import Postgres
package import Reporting

/// Runs maintenance tasks, one after the other. One that fails does not keep the others.
package struct MaintenanceJob: Sendable {
  let context: JobContext
  let backup: BackupOptions
  let options: MaintenanceOptions
  let progress: JobProgress
  let onResult: (@Sendable (MaintenanceResult) -> Void)?
  /// The most rows of one file of deleted rows, and of one list of duplicates. Memory for them is 60 bytes each.
  var listedRows = 1_000_000

  /// - Parameters:
  ///   - backup: the time zone of days, and the options of tables.
  ///   - onResult: receives each result as its task ends.
  package init(
    _ context: JobContext, _ backup: BackupOptions, _ options: MaintenanceOptions,
    progress: JobProgress = JobProgress(), onResult: (@Sendable (MaintenanceResult) -> Void)? = nil
  ) {
    self.context = context
    self.backup = backup
    self.options = options
    self.progress = progress
    self.onResult = onResult
  }

  /// - Throws: ``JobError`` `bad_field` for an unknown task.
  package func plan(_ request: MaintenanceRequest) throws -> MaintenancePlan {
    try MaintenancePlan(request, options, now: context.now(), in: backup.timeZone)
  }

  /// - Parameter deadline: when nothing more is begun; tasks under way stop after their batch.
  /// - Throws: ``JobError`` of the request and the settings; `CancellationError` when the job was cut short before it had done anything.
  package func run(_ request: MaintenanceRequest, deadline: Date? = nil) async throws -> MaintenanceReport {
    let plan = try plan(request)
    let target = try context.server.target()
    let ends = [deadline, request.budget.map { context.now().addingTimeInterval($0.seconds) }].compactMap(\.self).min()
    var report = MaintenanceReport(database: target.database, isDryRun: request.isDryRun, tasks: [])
    progress.update { $0.units += plan.items.count }
    for item in plan.items {
      var result = MaintenanceResult(item.task, .notDue)
      if try await isDue(item, in: target.database) {
        guard !Task.isCancelled || report.tasks.contains(where: { $0.outcome != .notDue }) else {
          throw CancellationError()
        }
        progress.update { $0.subject = item.task.name }
        let run = TaskRun(job: self, task: item.task, target: target, isDryRun: request.isDryRun, runEnds: ends)
        result = await run.run()
      } else {
        result.detail = "its days are \(item.task.schedule); name it to run it today"
      }
      progress.update { $0.finishedUnits += 1 }
      onResult?(result)
      report.tasks.append(result)
    }
    return report
  }

  /// Whether a task is to be run: it is named, this is one of its days, or a run of it was stopped before its end.
  private func isDue(_ item: MaintenancePlan.Item, in database: String) async throws -> Bool {
    guard !item.isDue, item.task.deletesFrom != nil else { return item.isDue }
    let notebook = MaintenanceNotebook(context: context, task: item.task, database: database)
    // A lake that does not answer now is told by the task's own day.
    return (try? await notebook.read())??.goesOn ?? false
  }
}
