package import Essentials

/// One HTTP request to be sent.
package struct ClientRequest: Sendable {
  /// The methods there is a use for (RFC 9110 §9, RFC 5789).
  package enum Method: String, Sendable {
    /// Reads.
    case get = "GET"
    /// Reads the header fields alone.
    case head = "HEAD"
    /// Makes or replaces.
    case put = "PUT"
    /// Changes.
    case patch = "PATCH"
    /// Hands over.
    case post = "POST"
    /// Removes.
    case delete = "DELETE"
  }

  /// Whether a proxy may stand between.
  package enum ProxyUse: Sendable {
    /// `HTTPS_PROXY` and `NO_PROXY` as the client was given them; plain http never uses one.
    case asConfigured
    /// Never, whatever is configured: for endpoints of this machine and for IMDS, which refuses what came by a proxy.
    case never
  }

  package var method: Method
  package var url: RequestURL
  /// The header fields. `Host`, `Content-Length` and `Connection` are the client's to send.
  package var fields: HTTPFields
  /// The body, sent with `Content-Length`; an empty one says `Content-Length: 0` with methods that define a body
  /// (RFC 9110 §8.6).
  package var body: [UInt8]
  /// How long it may take.
  package var limits: TransferLimits
  /// Whether a proxy may stand between.
  package var proxy: ProxyUse

  package init(
    _ method: Method, _ url: RequestURL, fields: HTTPFields = [:], body: [UInt8] = [],
    limits: TransferLimits = TransferLimits(), proxy: ProxyUse = .asConfigured
  ) {
    self.method = method
    self.url = url
    self.fields = fields
    self.body = body
    self.limits = limits
    self.proxy = proxy
  }
}

/// How long a transfer may take.
package struct TransferLimits: Sendable, Equatable {
  /// Until the connection stands, TLS included.
  package var connect: Duration
  /// Without a byte in either direction, while neither side's reader is slow. A large transfer that goes on is not cut.
  package var stall: Duration
  /// From the start to the last byte; nil for no limit.
  package var total: Duration?

  /// The limits, by default 10 s to connect and 60 s without a byte.
  package init(connect: Duration = .seconds(10), stall: Duration = .seconds(60), total: Duration? = nil) {
    self.connect = connect
    self.stall = stall
    self.total = total
  }
}
