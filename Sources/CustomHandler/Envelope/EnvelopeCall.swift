import HTTPServer

/// What an envelope calls a function with.
enum EnvelopeCall: Sendable {
  case event(FunctionEvent)
  case http(HTTPRequest)

  /// - Throws: `EnvelopeError`.
  init(_ body: [UInt8], _ kind: FunctionTrigger.Kind) throws(EnvelopeError) {
    let envelope = try InvocationEnvelope(body)
    switch kind {
    case .timer: self = .event(.timer(try envelope.timer()))
    case .queue: self = .event(.queue(try envelope.queueMessage()))
    case .http: self = .http(try envelope.httpRequest().request)
    }
  }
}
