/// A whole request with what the connection must know to answer it.
struct ParsedRequest {
  let request: HTTPRequest
  let version: RequestHead.Version
  let keepAlive: Bool

  init(_ head: RequestHead, body: [UInt8], remoteAddress: String?) {
    request = HTTPRequest(
      method: head.method, target: head.target, parts: head.parts, headers: head.headers, body: body,
      remoteAddress: remoteAddress)
    version = head.version
    keepAlive = head.keepAlive
  }
}
