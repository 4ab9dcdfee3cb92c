import HTTPServer

extension FunctionApp {
  /// The most bytes of a streamed answer that are gathered for an envelope, which holds the whole body as one string.
  static let maximumEnvelopeBody = 16 * 1024 * 1024

  func answerEnvelope(_ request: HTTPRequest, for function: FunctionRoute) async -> HTTPResponse {
    let invocation = Invocation(of: function, headers: request.headers)
    do {
      let envelope = try InvocationEnvelope(request.body)
      switch function.trigger.kind {
      case .timer: return await call(function, with: .timer(try envelope.timer()), invocation)
      case .queue: return await call(function, with: .queue(try envelope.queueMessage()), invocation)
      case .http: return await answerHTTP(try envelope.httpRequest().request, for: function, invocation)
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
