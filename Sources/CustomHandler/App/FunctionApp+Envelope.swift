import Essentials
import HTTPServer

extension FunctionApp {
  func answerEnvelope(_ request: HTTPRequest, for function: FunctionRoute) async -> HTTPResponse {
    let invocation = Invocation(of: function, request, isEnvelope: true)
    let kind = function.trigger.kind
    let body = request.body
    do {
      let call = try await LongWork.run(bytes: body.count) { try EnvelopeCall(body, kind) }
      switch call {
      case .event(let event): return await self.call(function, with: event, invocation)
      case .http(let inner):
        // The caller's own id is inside; without one the call is known by that of the host's request.
        return await answerHTTP(
          inner, for: function,
          inner.headers.contains(RequestID.header)
            ? Invocation(of: function, request, requestID: inner.id, isEnvelope: true) : invocation)
      }
    } catch {
      return .problem(Problem(failure: error))
    }
  }

  /// The caller's answer goes inside a 200: any other status would give the caller an empty 500.
  private func answerHTTP(
    _ inner: HTTPRequest, for function: FunctionRoute, _ invocation: Invocation
  ) async -> HTTPResponse {
    // What was admitted is the host's call; the caller's key is within.
    guard ownKeys[function.handler] == nil || isAllowed(inner, to: function) else {
      return EnvelopeAnswer.http(refusal(of: function), outputs: [:], log: invocation.log)
    }
    var inner = AccessKey.removed(from: inner)
    inner.parameters = parameters(of: function, in: inner).merging(inner.parameters) { _, given in given }
    var response = await call(function, with: inner, invocation)
    response.headers[RequestID.header] = invocation.requestID
    if inner.method == .head { response.body = [] }
    return EnvelopeAnswer.http(response, outputs: invocation.outputs.all, log: invocation.log)
  }
}
