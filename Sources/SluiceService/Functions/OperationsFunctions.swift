import CustomHandler
import HTTPServer
import Jobs

/// Long jobs that are looked at, or cancelled, by calls of their own.
struct OperationsFunctions: FunctionArea {
  let store: OperationStore

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("operations", operations)
  }

  /// `GET /api/operations/{id}`; `DELETE` cancels it and is answered 202, as it ends in its own time.
  @Sendable private func operations(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let id = request.parameters["id"] ?? ""
      guard request.method == .delete else { return .json(try await store.operation(id)) }
      return .json(try await store.cancel(id), status: 202)
    }
  }
}
