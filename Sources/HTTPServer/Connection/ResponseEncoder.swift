import Essentials

/// Writes a response with the fields that frame its body (RFC 9112 §6).
struct ResponseEncoder {
  /// The head, and the body where it is small.
  let bytes: [UInt8]
  /// A body that is too large to be copied behind its head.
  let largeBody: [UInt8]
  let keepAlive: Bool

  /// Below this many bytes head and body share one write, and so, with TCP_NODELAY, one packet or few.
  private static let copyLimit = 16 * 1024

  /// - Parameters:
  ///   - method: that of the request; HEAD gets the head alone.
  ///   - keepAlive: whether the request and the server's state let the connection stay.
  ///   - date: the value of `Date`.
  ///   - requestID: the value of `X-Request-Id`; it replaces one that the handler set.
  init(
    _ answer: HTTPResponse, method: HTTPMethod, version: RequestHead.Version, keepAlive: Bool, date: String,
    requestID: String
  ) {
    let response = Self.checked(answer)
    var headers = response.headers
    for name in ["Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive"] { headers.remove(name) }
    let wantsClose = response.headers.list("Connection").contains { $0.equalsIgnoringASCIICase("close") }
    let stays = keepAlive && !wantsClose
    if !response.status.forbidsBody { headers.append("Content-Length", String(response.body.count)) }
    let body = response.status.forbidsBody || method == .head ? [] : response.body
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
    let isSmall = body.count <= Self.copyLimit
    bytes = isSmall ? head + body : head
    largeBody = isSmall ? [] : body
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

  static let continueLine = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
}
