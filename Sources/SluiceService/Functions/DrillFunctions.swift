import CustomHandler
import Essentials
import Jobs
import Reporting

/// The function that restores one archive for trial, every night.
struct DrillFunctions: FunctionArea {
  let context: JobContext
  let backup: BackupOptions
  let restore: RestoreOptions
  let options: DrillOptions
  let runs: JobRuns

  func register(in handlers: inout FunctionHandlers) {
    handlers.onEvent("nightly_drill", nightlyDrill)
  }

  /// Handles the nightly timer. An archive that does not come back fails the invocation; a lake without archives does not.
  @Sendable private func nightlyDrill(_: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult {
    try await invocation.result {
      let job = DrillJob(context, backup, restore, options, progress: JobProgress())
      let subject: DrillJob.Subject
      do {
        subject = try await job.choose(DrillRequest(), within: runs.time)
      } catch let error as JobError where error.code == .archiveNotFound {
        Log.write(.info, "no drill", ["reason": error.message])
        return FunctionResult(returnValue: .object(["status": .string("skipped"), "reason": .string(error.message)]))
      }
      let id = runs.operations.newID()
      let report = try await runs.operations.run(
        Draft(DrillJob.nightlyKind, request: .object([:]), id: id, result: subject.named), noting: .atOnce,
        job.progress,
        describe: { (report: DrillReport) in .init(report) }
      ) { try await job.run(subject, operation: id) }
      guard report.status != .failed else {
        throw JobError(
          .nightlyFailed,
          "the drill of \(report.table) \(report.date): \(report.error?.message ?? report.verdict.rawValue)",
          details: ["report": try JSONValue(encoding: report)])
      }
      return FunctionResult(returnValue: try .init(encoding: report))
    }
  }
}
