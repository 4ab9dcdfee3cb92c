import CustomHandler
import Essentials
import HTTPServer
import Jobs
import Reporting

/// The functions that run maintenance tasks: by HTTP, and every night.
struct MaintenanceFunctions: FunctionArea {
  let context: JobContext
  let backup: BackupOptions
  let options: MaintenanceOptions
  let runs: JobRuns

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("maintenance", maintenance)
    handlers.onEvent("nightly_maintenance", nightlyMaintenance)
  }

  private func job(_ progress: JobProgress = JobProgress()) -> MaintenanceJob {
    MaintenanceJob(context, backup, options, progress: progress)
  }

  /// `POST /api/maintenance`.
  @Sendable private func maintenance(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let object = try await RequestObject.read(request)
      let wanted = try MaintenanceRequest(object)
      _ = try job().plan(wanted)
      return try await runs.answer(
        request, invocation,
        JobRuns.Order(kind: "maintenance", request: object, queuePath: nil) { run in
          try await .init(job(run.progress).run(wanted, deadline: run.deadline))
        })
    }
  }

  /// Handles the nightly timer: the tasks that are due. A task that was stopped at a limit does not fail the invocation.
  @Sendable private func nightlyMaintenance(_: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult {
    try await invocation.result {
      let (progress, deadline) = (JobProgress(), runs.deadline)
      let report = try await runs.operations.run(
        Draft("nightly_maintenance", request: .object([:])), noting: .atOnce, progress,
        describe: { (report: MaintenanceReport) in .init(state: .init(report.status), result: report) }
      ) { try await job(progress).run(MaintenanceRequest(), deadline: deadline) }
      let failures = JobRuns.Ended(report).failures
      guard failures.isEmpty else {
        let names = failures.map { "\($0.tableDay ?? ""): \($0.error.code.rawValue)" }.joined(separator: ", ")
        throw JobError(
          .nightlyFailed, "\(failures.count) of \(report.tasks.count) tasks failed: \(names)",
          details: ["report": try JSONValue(encoding: report)])
      }
      Log.write(.info, "nightly maintenance done", ["tasks": report.tasks.count, "status": report.status.rawValue])
      return FunctionResult(returnValue: try .init(encoding: report))
    }
  }
}
