import Essentials

/// Request line and header fields with what follows from them.
struct RequestHead: Equatable {
  enum Framing: Equatable {
    case none
    case length(Int)
    case chunked
  }

  enum Version: Equatable {
    case http10
    case http11
  }

  let method: HTTPMethod
  let target: String
  let parts: RequestTarget
  let version: Version
  let headers: HTTPFields
  let framing: Framing
  /// Whether the client wants the connection to stay (RFC 9112 §9.3).
  let keepAlive: Bool
  /// Whether the client waits for `100 Continue` before it sends the body.
  let expectsContinue: Bool

  /// Checks the head as a whole: first what decides where the request ends, then what it asks for.
  /// - Throws: `HTTPRefusal`.
  init(line: RequestLine, headers: HTTPFields) throws(HTTPRefusal) {
    method = line.method
    target = line.target
    version = line.version
    self.headers = headers
    framing = try Self.framing(headers, version: line.version)
    try Self.checkHost(headers, version: line.version)
    parts = try RequestTarget(line.target, method: line.method)
    let options = headers.list("Connection").map { $0.asciiLowercased() }
    keepAlive =
      !options.contains("close") && (line.version == .http11 || options.contains("keep-alive"))
    // RFC 9110 §10.1.1: an HTTP/1.0 client cannot mean it.
    let expectations = line.version == .http11 ? headers.list("Expect") : []
    guard expectations.allSatisfy({ $0.equalsIgnoringASCIICase("100-continue") }) else {
      throw HTTPRefusal(417, "bad_expectation", "`Expect` can only be `100-continue`.")
    }
    expectsContinue = !expectations.isEmpty
  }

  /// RFC 9112 §6.3, without its lenient branches: a request that gives its length in two ways is refused.
  private static func framing(_ headers: HTTPFields, version: Version) throws(HTTPRefusal) -> Framing {
    let lengths = headers.values("Content-Length")
    guard headers.contains("Transfer-Encoding") else { return try contentLength(lengths) }
    guard lengths.isEmpty else {
      throw .badFraming("A request has either `Transfer-Encoding` or `Content-Length`, not both.")
    }
    guard version == .http11 else {
      throw .badFraming("`Transfer-Encoding` does not exist in HTTP/1.0 (RFC 9112 §6.1).")
    }
    let codings = headers.list("Transfer-Encoding").map { $0.asciiLowercased() }
    if codings == ["chunked"] { return .chunked }
    // §6.3: without chunked at the end, or with it twice, the end of the body is undefined.
    guard codings.last == "chunked", !codings.dropLast().contains("chunked") else {
      throw .badFraming("The last transfer coding of a request must be `chunked`, once (RFC 9112 §6.3).")
    }
    throw HTTPRefusal(501, "unsupported_transfer_coding", "The only supported transfer coding is `chunked`.")
  }

  private static func contentLength(_ fields: [String]) throws(HTTPRefusal) -> Framing {
    guard !fields.isEmpty else { return .none }
    var length: Int?
    for field in fields {
      for member in field.split(separator: ",", omittingEmptySubsequences: false) {
        let digits = member.trimmingSpaceAndTab()
        guard !digits.isEmpty, digits.utf8.allSatisfy(\.isDigit) else {
          throw .badFraming("`Content-Length` is not a decimal number.")
        }
        // More digits than fit are a number all the same, one that is over any limit.
        let value = Int(digits) ?? Int.max
        guard length == nil || length == value else {
          throw .badFraming("`Content-Length` is given twice with different values.")
        }
        length = value
      }
    }
    return length.map { .length($0) } ?? .none
  }

  /// RFC 9112 §3.2.
  private static func checkHost(_ headers: HTTPFields, version: Version) throws(HTTPRefusal) {
    let hosts = headers.values("Host")
    guard hosts.count <= 1 else { throw .badHeader("`Host` is given more than once.") }
    guard let host = hosts.first else {
      if version == .http11 { throw .badHeader("`Host` is missing; HTTP/1.1 requires it.") }
      return
    }
    // RFC 9112 §3.2: it is empty when the target has no authority.
    guard host.isEmpty || Authority(host) != nil else {
      throw .badHeader("`Host` is not `name`, `name:port` or `[address]:port` (RFC 3986 §3.2.2).")
    }
  }
}

/// A request whose head is whole, with what the connection must know to go on.
struct ParsedRequest {
  /// Its body is empty until it has come.
  var request: HTTPRequest
  let version: RequestHead.Version
  let framing: RequestHead.Framing
  let keepAlive: Bool
  let expectsContinue: Bool
  /// About what its head takes in memory, in bytes.
  let headCost: Int

  init(_ head: RequestHead, headCost: Int) {
    request = HTTPRequest(
      method: head.method, target: head.target, parts: head.parts, headers: head.headers, body: [])
    version = head.version
    framing = head.framing
    keepAlive = head.keepAlive
    expectsContinue = head.expectsContinue
    self.headCost = headCost
  }

  var hasBody: Bool {
    switch framing {
    case .none, .length(0): false
    case .length, .chunked: true
    }
  }
}
