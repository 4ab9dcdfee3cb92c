/// Why there is no answer, or no whole one. No text holds a URL's query, a header's value or a proxy's password.
package enum HTTPClientError: Error, Equatable, Sendable {
  /// Which of the ``TransferLimits`` was passed.
  package enum Limit: String, Sendable {
    /// The connection was not established in time.
    case connect
    /// No byte was sent or received for too long.
    case stall
    /// The whole took too long.
    case total
  }

  /// The request can't be sent as it is.
  case invalidRequest(reason: String)
  /// The client's own settings (a CA file, a proxy) can't be used.
  case invalidConfiguration(reason: String)
  /// There is no connection to the host; nothing was sent.
  case connectFailed(host: String, reason: String)
  /// The host's certificate is not trusted; nothing was sent.
  case untrusted(host: String, reason: String)
  /// A limit was passed.
  case timedOut(Limit, host: String, seconds: Double)
  /// The connection broke; the request may have been carried out.
  case broken(host: String, reason: String)
  /// The answer is not HTTP, or goes on beyond what was asked for.
  case malformedResponse(host: String, reason: String)
  /// The body is larger than the caller is ready to hold in memory, in bytes.
  case responseTooLarge(limit: Int)
  /// The client was closed.
  case closed

  /// Whether the same request may fare better later.
  package var isTransient: Bool {
    switch self {
    case .connectFailed, .timedOut, .broken, .malformedResponse: true
    case .invalidRequest, .invalidConfiguration, .untrusted, .responseTooLarge, .closed: false
    }
  }
}

extension HTTPClientError: CustomStringConvertible {
  /// One sentence for an operator; holds no secret.
  package var description: String {
    switch self {
    case .invalidRequest(let reason): "the request can't be sent: \(reason)"
    case .invalidConfiguration(let reason): reason
    case .connectFailed(let host, let reason): "\(host): no connection: \(reason)"
    case .untrusted(let host, let reason): "\(host): its certificate is not trusted: \(reason)"
    case .timedOut(.connect, let host, let seconds): "\(host): no connection within \(seconds) s"
    case .timedOut(.stall, let host, let seconds): "\(host): no byte was sent or received for \(seconds) s"
    case .timedOut(.total, let host, let seconds): "\(host): the exchange was not over after \(seconds) s"
    case .broken(let host, let reason): "\(host): the connection broke: \(reason)"
    case .malformedResponse(let host, let reason): "\(host): the answer is malformed: \(reason)"
    case .responseTooLarge(let limit): "the answer is larger than \(limit) bytes"
    case .closed: "the HTTP client is closed"
    }
  }
}
