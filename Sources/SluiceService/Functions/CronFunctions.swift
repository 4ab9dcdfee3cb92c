import CustomHandler
import Essentials
import HTTPServer
import Jobs
import Reporting

/// The functions about the jobs of pg_cron.
struct CronFunctions: FunctionArea {
  let context: JobContext
  let runs: JobRuns

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("cron", overview)
    handlers.onHTTP("cron_history", history)
    handlers.onHTTP("cron_action", act)
  }

  /// `GET /api/cron`.
  @Sendable private func overview(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let fields = try Fields(await RequestObject.read(request))
      try fields.finish()
      return .json(try await CronJobs(context).overview())
    }
  }

  /// `GET /api/cron/history`.
  @Sendable private func history(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let wanted = try CronJobs.HistoryRequest(await RequestObject.read(request), now: context.now())
      return .json(try await CronJobs(context).history(wanted))
    }
  }

  /// `POST /api/cron/{action}`.
  @Sendable private func act(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      // A path of its own, which has no POST.
      guard request.parameters["action"] != "history" else {
        return .problem(
          Problem(status: 405, code: "method_not_allowed", detail: "This path accepts GET, HEAD."),
          headers: ["Allow": "GET, HEAD"])
      }
      let object = try await RequestObject.read(request)
      let wanted = try CronRequest(request.parameters["action"] ?? "", object, now: context.now())
      return try await runs.answer(
        request, invocation,
        JobRuns.Order(kind: "cron", request: object, queuePath: nil) { _ in
          try await .init(wanted.perform(CronJobs(context)))
        })
    }
  }
}
