import CustomHandler
import HTTPServer

/// The function that answers with docs/openapi.json.
struct OpenAPIFunctions: FunctionArea {
  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("openapi", document)
  }

  /// `GET /api/openapi.json`.
  @Sendable private func document(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request, isProbe: true) { .json(PackageResources.openapi_json) }
  }
}
