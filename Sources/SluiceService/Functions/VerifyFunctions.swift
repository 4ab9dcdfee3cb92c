import CustomHandler
import Essentials
import HTTPServer
import Jobs
import Reporting

/// The function that verifies archives.
struct VerifyFunctions: FunctionArea {
  let context: JobContext
  let backup: BackupOptions
  let runs: JobRuns

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("verify", verify)
  }

  /// `GET,POST /api/verify`.
  @Sendable private func verify(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      guard request.method != .head else {
        return .problem(
          Problem(status: 405, code: "method_not_allowed", detail: "HEAD verifies nothing; use GET or POST"),
          headers: ["Allow": "GET, POST"])
      }
      let object = try await RequestObject.read(request, now: context.now(), in: backup.timeZone)
      let wanted = try VerifyRequest(object)
      // A link or a browser's preview sends GET: it must not give an archive a manifest.
      guard request.method != .get || !wanted.adopts else {
        return .problem(
          Problem(status: 405, code: "method_not_allowed", detail: "GET adopts no archive; send `adopt` with POST"),
          headers: ["Allow": "POST"])
      }
      return try await runs.answer(
        request, invocation,
        JobRuns.Order(kind: "verify", request: object, queuePath: nil) { run in
          try await .init(VerifyJob(context, backup, progress: run.progress).run(wanted, deadline: run.deadline))
        })
    }
  }
}
