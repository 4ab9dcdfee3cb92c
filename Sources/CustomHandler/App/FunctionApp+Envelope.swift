import Essentials
import HTTPServer

extension FunctionApp {
  /// The most bytes of a streamed answer that are gathered for an envelope, which holds the whole body as one string.
  static let maximumEnvelopeBody = 16 * 1024 * 1024

  func answerEnvelope(_ request: HTTPRequest, for function: FunctionRoute) async -> HTTPResponse {
    let invocation = Invocation(of: function, request)
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
            ? Invocation(of: function, request, requestID: inner.id) : invocation)
      }
    } catch {
      return .problem(Problem(failure: error))
    }
  }

  /// The caller's answer goes inside a 200: any other status would give the caller an empty 500.
  private func answerHTTP(
    _ inner: HTTPRequest, for function: FunctionRoute, _ invocation: Invocation
  ) async -> HTTPResponse {
    var inner = AccessKey.removed(from: inner)
    inner.parameters = parameters(of: function, in: inner).merging(inner.parameters) { _, given in given }
    var response = await call(function, with: inner, invocation)
    response.headers[RequestID.header] = invocation.requestID
    do {
      let body = inner.method == .head ? [] : try await Self.collect(response.body)
      return EnvelopeAnswer.http(response, body: body, log: invocation.log)
    } catch {
      let problem = Problem(failure: error)
      response = .problem(problem)
      return EnvelopeAnswer.http(response, body: problem.json, log: invocation.log)
    }
  }

  private static func collect(_ body: HTTPResponse.Body) async throws -> [UInt8] {
    switch body {
    case .bytes(let bytes): return bytes
    case .stream(let stream):
      let collector = BodyCollector(limit: maximumEnvelopeBody)
      try await stream.run { await collector.add($0) }
      return try await collector.finish()
    }
  }
}

/// Gathers a streamed body.
private actor BodyCollector {
  private struct TooLarge: FunctionFailure {
    let limit: Int
    var code: String { "answer_too_large" }
    var detail: String { "The function's answer is over \(limit) bytes, the most that an envelope carries here." }
  }

  private let limit: Int
  private var bytes: [UInt8] = []
  private var isOver = false

  init(limit: Int) { self.limit = limit }

  func add(_ part: [UInt8]) -> Bool {
    isOver = isOver || part.count > limit - bytes.count
    if !isOver { bytes += part }
    return !isOver
  }

  func finish() throws -> [UInt8] {
    if isOver { throw TooLarge(limit: limit) }
    return bytes
  }
}
