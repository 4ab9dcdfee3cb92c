import HTTPServer

extension FunctionApp {
  /// Decides on a request by its head; give it to `HTTPServer` as its gatekeeper. Whoever lacks the key is told so before a
  /// byte of the body is read.
  @Sendable public func admit(_ head: HTTPRequest) -> HTTPAdmission {
    if let refusal = refusal(of: head) { return .refused(refusal) }
    return isKeyShown(in: head) ? .trusted : .anonymous
  }

  /// The answer to a request that no function is to see; nil for one that may be called. The body is not looked at.
  func refusal(of request: HTTPRequest) -> HTTPResponse? {
    if callers.refuse(request) { return Self.foreignCaller }
    if isProbe(request) || (request.path == "*" && request.method == .options) { return nil }
    let match = router.match(request.method, request.pathSegments)
    if case .found(let function, _) = match {
      // With an empty prefix this may be another function's envelope; `respond` asks for its key then.
      return isAllowed(request, to: function) ? nil : Self.unauthorized
    }
    if envelopeName(request) != nil { return isKeyShown(in: request) ? nil : Self.unauthorized }
    if case .methodNotAllowed(let allow) = match { return Self.wrongMethod(allow: allow) }
    return notFound(request)
  }

  func isKeyShown(in request: HTTPRequest) -> Bool { accessKey?.isShown(in: request) ?? true }

  private func isAllowed(_ request: HTTPRequest, to function: FunctionRoute) -> Bool {
    if case .http(_, _, .anonymous) = function.trigger { return true }
    return isKeyShown(in: request)
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
