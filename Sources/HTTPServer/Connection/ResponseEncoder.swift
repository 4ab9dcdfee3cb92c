import Essentials

/// Writes a response's head, and decides how its body is framed (RFC 9112 §6).
struct ResponseEncoder {
  enum BodyPlan: Equatable {
    /// All of the response is in `bytes`.
    case complete
    /// The stream's parts go out as chunks, ended by the empty one.
    case chunked
    /// The stream's parts go out as they are; closing the connection ends the body.
    case untilClose
  }

  /// The head, and the body if it is known and goes with it.
  let bytes: [UInt8]
  /// A body that is too large to be copied behind its head.
  let largeBody: [UInt8]
  let plan: BodyPlan
  /// The stream to run; nil when there is none or it is not to be sent.
  let stream: HTTPBodyStream?
  let keepAlive: Bool

  /// Below this many bytes head and body share one write, and so, with TCP_NODELAY, one packet or few.
  private static let copyLimit = 16 * 1024

  /// - Parameters:
  ///   - method: that of the request; HEAD gets the head alone.
  ///   - keepAlive: whether the request and the server's state let the connection stay.
  ///   - date: the value of `Date`.
  ///   - requestID: the value of `X-Request-Id`; one that the handler set gives way.
  init(
    _ answer: HTTPResponse, method: HTTPMethod, version: RequestHead.Version, keepAlive: Bool, date: String,
    requestID: String
  ) {
    let response = Self.checked(answer)
    var headers = response.headers
    for name in ["Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive"] { headers.remove(name) }
    let wantsClose = response.headers.list("Connection").contains { $0.equalsIgnoringASCIICase("close") }
    var stays = keepAlive && !wantsClose
    var known: [UInt8] = []
    var plan = BodyPlan.complete
    var stream: HTTPBodyStream?
    switch response.body {
    case .bytes(let bytes):
      if !response.status.forbidsBody {
        headers.append("Content-Length", String(bytes.count))
        if method != .head { known = bytes }
      }
    case .stream(let source):
      guard !response.status.forbidsBody else { break }
      if version == .http11 {
        headers.append("Transfer-Encoding", "chunked")
        if method != .head { plan = .chunked }
      } else if method != .head {
        // RFC 9112 §6.3 rule 8: an HTTP/1.0 client knows no chunks; the end of the connection is the end of the body.
        plan = .untilClose
        stays = false
      }
      if method != .head { stream = source }
    }
    headers[RequestID.header] = requestID
    if headers["Date"] == nil { headers.append("Date", date) }
    if !stays {
      headers.append("Connection", "close")
    } else if version == .http10 {
      headers.append("Connection", "keep-alive")
    }
    var head = Array("HTTP/1.1 \(response.status.code) \(response.status.reason)\r\n".utf8)
    for field in headers.fields { head += "\(field.name): \(field.value)\r\n".utf8 }
    head += [.carriageReturn, .lineFeed]
    let small = known.count <= Self.copyLimit
    bytes = small ? head + known : head
    largeBody = small ? [] : known
    self.plan = plan
    self.stream = stream
    self.keepAlive = stays
  }

  /// A response that could split the stream of messages is replaced, not repaired: repairing would hide the fault.
  private static func checked(_ response: HTTPResponse) -> HTTPResponse {
    guard (200...599).contains(response.status.code) else {
      return bad("The handler answered with a status outside 200 to 599.")
    }
    guard let field = response.headers.fields.first(where: { !$0.isWellFormed }) else { return response }
    let name = String(String.UnicodeScalarView(field.name.unicodeScalars.filter { $0.value > 0x20 && $0.value < 0x7F }))
    return bad("The handler's header `\(name)` has a character that a header cannot have.")
  }

  private static func bad(_ detail: String) -> HTTPResponse {
    .problem(Problem(status: 500, code: "bad_response", detail: detail))
  }

  /// One chunk (RFC 9112 §7.1). An empty part gives no chunk, as an empty chunk is the end.
  static func chunk(_ part: [UInt8]) -> [UInt8] {
    guard !part.isEmpty else { return [] }
    return Array(String(part.count, radix: 16).utf8) + [.carriageReturn, .lineFeed] + part + [
      .carriageReturn, .lineFeed,
    ]
  }

  static let lastChunk = Array("0\r\n\r\n".utf8)
  static let continueLine = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
}
