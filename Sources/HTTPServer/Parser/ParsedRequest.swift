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

  init(_ head: RequestHead, remoteAddress: String?, headCost: Int) {
    request = HTTPRequest(
      method: head.method, target: head.target, parts: head.parts, headers: head.headers, body: [],
      remoteAddress: remoteAddress)
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
