import CustomHandler
import HTTPServer
import Jobs

/// The function that shows and cancels long jobs.
struct OperationsFunctions: FunctionArea {
  let store: OperationStore

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("operations", operations)
  }

  /// `GET /api/operations/{id}`. `DELETE` cancels the operation and is answered 202, since the job ends later.
  @Sendable private func operations(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let id = request.parameters["id"] ?? ""
      guard request.method == .delete else { return .json(try await store.operation(id)) }
      return .json(try await store.cancel(id), status: 202)
    }
  }
}
