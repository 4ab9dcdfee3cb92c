import CustomHandler
import Essentials
import HTTPServer
import Jobs
import Reporting

/// The functions that drop what is past its keep time: by HTTP, and every night.
struct RetentionFunctions: FunctionArea {
  let context: JobContext
  let backup: BackupOptions
  let runs: JobRuns

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("retention", retention)
    handlers.onEvent("nightly_retention", nightlyRetention)
  }

  /// `POST /api/retention`.
  @Sendable private func retention(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let object = try await RequestObject.read(request)
      let wanted = try RetentionRequest(object)
      return try await runs.answer(
        request, invocation,
        JobRuns.Order(kind: "retention", request: object, queuePath: nil) { run in
          try await .init(RetentionJob(context, backup, progress: run.progress).run(wanted, deadline: run.deadline))
        })
    }
  }

  /// Handles the nightly timer. A unit that stays does not fail the invocation; a database without the retention schema has
  /// nothing to be done.
  @Sendable private func nightlyRetention(_: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult {
    try await invocation.result {
      let progress = JobProgress()
      let job = RetentionJob(context, backup, progress: progress)
      guard try await job.isSetUp() else {
        Log.write(.info, "no retention: the database has no policies", ["schema": context.retention.schema])
        return FunctionResult(returnValue: .object(["status": .string("ok"), "policies": .array([])]))
      }
      let deadline = runs.deadline
      let report = try await runs.operations.run(
        Draft("nightly_retention", request: .object([:])), noting: .atOnce, progress,
        describe: { (report: RetentionReport) in .init(state: .init(report.status), result: report) }
      ) { try await job.run(RetentionRequest(), deadline: deadline) }
      let failures = JobRuns.Ended(report).failures
      guard failures.isEmpty else {
        let names = failures.map { "\($0.tableDay ?? ""): \($0.error.code.rawValue)" }.joined(separator: ", ")
        throw JobError(
          .nightlyFailed, "\(failures.count) units or tables failed: \(names)",
          details: ["report": try JSONValue(encoding: report)])
      }
      Log.write(.info, "nightly retention done", ["units": report.results.count, "status": report.status.rawValue])
      return FunctionResult(returnValue: try .init(encoding: report))
    }
  }
}
