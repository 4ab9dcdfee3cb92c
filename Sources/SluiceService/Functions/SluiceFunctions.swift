package import CustomHandler
package import Foundation
package import Jobs

/// The handlers of all functions in `function-routes.json`.
package struct SluiceFunctions: Sendable {
  private let areas: [any FunctionArea]

  package init(
    context: JobContext, backup: BackupOptions, restore: RestoreOptions,
    maintenance: MaintenanceOptions = MaintenanceOptions(), drill: DrillOptions = DrillOptions(),
    operations: OperationStore,
    readiness: ReadinessProbe, doctor: DoctorWatch? = nil, host: FunctionHost = FunctionHost(),
    syncLimit: TimeInterval? = nil
  ) {
    var runs = JobRuns(operations: operations, host: host, lake: context.lakeURL, now: context.now)
    runs.syncLimit = syncLimit
    runs.timeZone = backup.timeZone
    areas = [
      BackupFunctions(context: context, options: backup, runs: runs),
      RestoreFunctions(context: context, options: restore, runs: runs),
      ArchivesFunctions(context: context, backup: backup),
      ChunksFunctions(context: context, backup: backup),
      VerifyFunctions(context: context, backup: backup, runs: runs),
      RetentionFunctions(context: context, backup: backup, runs: runs),
      MaintenanceFunctions(context: context, backup: backup, options: maintenance, runs: runs),
      DrillFunctions(context: context, backup: backup, restore: restore, options: drill, runs: runs),
      CronFunctions(context: context, runs: runs),
      OperationsFunctions(
        store: operations, jobs: OperationJobs(context, backup, restore, maintenance, drill), runs: runs),
      OpenAPIFunctions(),
      HealthFunctions(readiness: readiness, doctor: doctor),
      StatusFunctions(
        job: StatusJob(context, backup, readiness: readiness) { try await operations.overview() }),
    ]
  }

  /// All handlers, by the `handler` names of `function-routes.json`. A function's name, its handler and its route, if
  /// it has one, are the same word.
  package var handlers: FunctionHandlers {
    var handlers = FunctionHandlers()
    for area in areas { area.register(in: &handlers) }
    return handlers
  }
}

/// The functions of one area.
protocol FunctionArea: Sendable {
  /// Adds the area's handlers.
  func register(in handlers: inout FunctionHandlers)
}
