import CustomHandler
import HTTPServer
import Jobs

/// The function that tells how things stand.
struct StatusFunctions: FunctionArea {
  let job: StatusJob

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("status", status)
  }

  /// `GET /api/status`. It is 200 whatever it tells: a monitor reads `status`.
  @Sendable private func status(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      try await Fields(RequestObject.read(request)).finish()
      return .json(try await job.report())
    }
  }
}
