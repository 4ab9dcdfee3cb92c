import CustomHandler
import HTTPServer
import Jobs

/// The functions for restores: by HTTP, by queue message.
struct RestoreFunctions: FunctionArea {
  let context: JobContext
  let options: RestoreOptions
  let runs: JobRuns

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("restore", restore)
    handlers.onEvent("restore_worker", restoreWorker)
  }

  /// `POST /api/restore`.
  @Sendable private func restore(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let order = try await RestoreRequest(RequestObject.read(request))
      // The request is checked completely before it is answered 202.
      try RestoreJob(context, options).check(order)
      return try await runs.answer(request, kind: "restore") { progress, deadline in
        try await .init(RestoreJob(context, options, progress: progress).run(order, deadline: deadline))
      }
    }
  }

  /// Handles a queue message, the JSON of a restore request.
  @Sendable private func restoreWorker(_ event: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult
  {
    try await runs.work(event, invocation) { message, deadline in
      try await .init(RestoreJob(context, options).run(RestoreRequest(message), deadline: deadline))
    }
  }
}
