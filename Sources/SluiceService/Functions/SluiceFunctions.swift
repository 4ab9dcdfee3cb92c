package import CustomHandler
package import Jobs

/// The functions of Sluice: each HTTP route, timer and queue of `function-routes.json`, carried to its job.
package struct SluiceFunctions: Sendable {
  private let areas: [any FunctionArea]

  /// - Parameter functionTimeout: the host's `functionTimeout`, nil without a limit or without a host.
  package init(
    context: JobContext, backup: BackupOptions, restore: RestoreOptions, operations: OperationStore,
    readiness: ReadinessProbe, functionTimeout: Duration? = nil
  ) {
    let runs = JobRuns(operations: operations, functionTimeout: functionTimeout, now: context.now)
    areas = [
      BackupFunctions(context: context, options: backup, runs: runs),
      RestoreFunctions(context: context, options: restore, runs: runs),
      ArchivesFunctions(context: context),
      OperationsFunctions(store: operations),
      HealthFunctions(readiness: readiness),
    ]
  }

  /// All handlers, by the `handler` names of `function-routes.json`. A function, its handler and, where it has one, its route
  /// are the same word.
  package var handlers: FunctionHandlers {
    var handlers = FunctionHandlers()
    for area in areas { area.register(in: &handlers) }
    return handlers
  }
}

/// The functions of one area, in a file of its own.
protocol FunctionArea: Sendable {
  /// Adds the area's handlers.
  func register(in handlers: inout FunctionHandlers)
}
