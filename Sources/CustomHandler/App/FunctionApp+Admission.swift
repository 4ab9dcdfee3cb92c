import Essentials
package import HTTPServer

extension FunctionApp {
  /// Decides on a request by its head; give it to `HTTPServer` as its gatekeeper. A caller without the key is refused before
  /// a byte of the body is read.
  @Sendable package func admit(_ head: HTTPRequest) -> HTTPAdmission {
    if case .refused(let response) = way(of: head) { return .refused(refusing(head, response)) }
    return isKeyShown(in: head) ? .trusted : .anonymous
  }

  /// Where a request goes.
  enum Way {
    /// No function is to see it.
    case refused(HTTPResponse)
    case probe
    /// A page that is no function.
    case page(@Sendable (HTTPRequest) async -> HTTPResponse)
    /// `OPTIONS *`
    case options
    case envelope(FunctionRoute)
    /// By its public path. With an empty prefix this may be another function's envelope.
    case function(FunctionRoute, parameters: [String: String])
  }

  /// Looks at the head alone.
  func way(of request: HTTPRequest) -> Way {
    if callers.refuse(request) { return .refused(Self.foreignCaller) }
    if isProbe(request) { return .probe }
    if let page = page(request) {
      guard request.method == .get || request.method == .head else {
        return .refused(Self.wrongMethod(allow: [.get, .head]))
      }
      return isKeyShown(in: request) ? .page(page) : .refused(Self.unauthorized)
    }
    if request.path == "*", request.method == .options { return .options }
    let match = router.match(request.method, request.pathSegments)
    if case .found(let function, let parameters) = match {
      return isAllowed(request, to: function)
        ? .function(function, parameters: parameters) : .refused(refusal(of: function))
    }
    if let function = envelopeName(request) {
      guard isKeyShown(in: request) else { return .refused(Self.unauthorized) }
      // An event brings no request within that could show the function's own key.
      if function.trigger.kind != .http, let keys = ownKeys[function.handler],
        !AccessKey.isShown(keys, inHeadersOf: request)
      {
        return .refused(Self.ownKeyMissing)
      }
      return .envelope(function)
    }
    if case .methodNotAllowed(let allow) = match { return .refused(Self.wrongMethod(allow: allow)) }
    return .refused(notFound(request))
  }

  /// Tells of a caller that is answered 401.
  func refusing(_ head: HTTPRequest, _ response: HTTPResponse) -> HTTPResponse {
    if response.status.code == 401 { onUnauthorized(head) }
    return response
  }

  func isKeyShown(in request: HTTPRequest) -> Bool { accessKey?.isShown(in: request) ?? true }

  /// Whether the caller has shown what the function asks for. Of one in an envelope it is the request within that shows it.
  func isAllowed(_ request: HTTPRequest, to function: FunctionRoute) -> Bool {
    if let keys = ownKeys[function.handler] { return AccessKey.isShown(keys, inHeadersOf: request) }
    if case .http(_, _, .anonymous) = function.trigger { return true }
    return isKeyShown(in: request)
  }

  func refusal(of function: FunctionRoute) -> HTTPResponse {
    ownKeys[function.handler] == nil ? Self.unauthorized : Self.ownKeyMissing
  }

  /// A function may own `/` when the prefix is empty; the host's probe is the request without an invocation id.
  func isProbe(_ request: HTTPRequest) -> Bool {
    guard request.path == "/", request.method == .get || request.method == .head else { return false }
    if !request.headers.contains(Invocation.idHeader) { return true }
    if case .found = router.match(request.method, []) { return false }
    return true
  }

  /// The function that the host calls by this path with an envelope, if it is one.
  func envelopeName(_ request: HTTPRequest) -> FunctionRoute? {
    guard request.method == .post, request.pathSegments.count == 1 else { return nil }
    return byName[request.pathSegments[0]]
  }
}
