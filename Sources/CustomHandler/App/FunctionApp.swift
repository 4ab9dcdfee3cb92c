import Essentials
package import HTTPServer

/// The functions of an app behind one HTTP handler. It serves
/// - `GET /` and `HEAD /`: the host's readiness probe, which needs no key and touches nothing;
/// - `POST /<FunctionName>` (case counts): an envelope, for functions of every kind;
/// - the public paths of the HTTP functions: requests that the host forwards, or that callers send when no host stands in
///   front.
///
/// With an empty route prefix a path can be both a function's envelope path and its own public path. Such a request is an
/// envelope when it has the header `X-Azure-Functions-InvocationId` and its body has the shape of one (`Data.req.Url`),
/// else it is a forwarded request: forwarded ones have that header too, so it alone decides nothing.
package struct FunctionApp: Sendable {
  let routes: FunctionRoutes
  let accessKey: AccessKey?
  /// The keys of functions that have their own, by name, also behind a host: one of them must be in a header. An empty list admits nobody.
  let ownKeys: [String: [AccessKey]]
  private let handlers: FunctionHandlers
  /// Receives the head of each request that is answered 401.
  let onUnauthorized: @Sendable (HTTPRequest) -> Void
  let callers: Callers
  let byName: [String: FunctionRoute]
  /// Pages that are no functions, by their path, for a server without a host. They need the key where there is one.
  private let pages: [String: @Sendable (HTTPRequest) async -> HTTPResponse]
  private(set) var router = HTTPRouter<FunctionRoute>()

  /// An app.
  /// - Parameters:
  ///   - callers: whose requests are taken when no key is asked for.
  ///   - accessKey: the key asked for; nil when a Functions host stands in front, which checks its own keys.
  ///   - ownKeys: the keys of functions that have their own, by the name of their handler.
  ///   - pages: answers GET at paths that are no functions', such as `/metrics`.
  ///   - onUnauthorized: receives the head of each request that is answered 401.
  /// - Throws: `FunctionAppError`.
  package init(
    routes: FunctionRoutes, handlers: FunctionHandlers, accessKey: AccessKey? = nil, callers: Callers = .anyone,
    ownKeys: [String: [AccessKey]] = [:], pages: [String: @Sendable (HTTPRequest) async -> HTTPResponse] = [:],
    onUnauthorized: @escaping @Sendable (HTTPRequest) -> Void = { _ in }
  ) throws(FunctionAppError) {
    self.callers = callers
    self.onUnauthorized = onUnauthorized
    self.routes = routes
    self.handlers = handlers
    self.accessKey = accessKey
    self.ownKeys = ownKeys
    self.pages = pages
    byName = Dictionary(routes.functions.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for function in routes.functions {
      let isThere =
        function.trigger.kind == .http
        ? handlers.http[function.handler] != nil : handlers.events[function.handler] != nil
      guard isThere else {
        throw .missingHandler(function: function.name, handler: function.handler, trigger: function.trigger.kind)
      }
      guard case .http(let route, let methods, _) = function.trigger else { continue }
      for method in methods {
        do { try router.register(method, routes.pattern(of: route), function) } catch { throw .badRoute(error) }
      }
    }
  }

  /// Answers a request; give it to `HTTPServer` as its handler.
  @Sendable package func respond(to request: HTTPRequest) async -> HTTPResponse {
    switch way(of: request) {
    case .refused(let response): return response
    case .probe: return .text("ready\n")
    case .page(let page): return await page(AccessKey.removed(from: request))
    case .options:
      return HTTPResponse(status: 204, headers: ["Allow": HTTPMethod.known.map(\.rawValue).joined(separator: ", ")])
    case .envelope(let function): return await answerEnvelope(AccessKey.removed(from: request), for: function)
    case .function(let function, let parameters):
      if let envelope = await envelopeFunction(request) {
        guard isKeyShown(in: request) else { return refusing(request, Self.unauthorized) }
        return await answerEnvelope(AccessKey.removed(from: request), for: envelope)
      }
      var plain = AccessKey.removed(from: request)
      plain.parameters = parameters
      return await call(function, with: plain, Invocation(of: function, request))
    }
  }

  /// The function that a request to another function's public path calls with an envelope: the two paths can be one when the
  /// prefix is empty.
  private func envelopeFunction(_ request: HTTPRequest) async -> FunctionRoute? {
    guard let function = envelopeName(request), request.headers.contains(Invocation.idHeader) else { return nil }
    let body = request.body
    let isEnvelope = try? await LongWork.run(bytes: body.count) { InvocationEnvelope.looksLikeOne(body) }
    return isEnvelope == true ? function : nil
  }

  /// The page at the request's path.
  func page(_ request: HTTPRequest) -> (@Sendable (HTTPRequest) async -> HTTPResponse)? { pages[request.path] }

  // MARK: Calling

  func call(_ function: FunctionRoute, with request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    guard let handler = handlers.http[function.handler] else { return Self.broken(function) }
    return await handler(request, invocation)
  }

  func call(
    _ function: FunctionRoute, with event: FunctionEvent, _ invocation: Invocation
  ) async -> HTTPResponse {
    guard let handler = handlers.events[function.handler] else { return Self.broken(function) }
    do {
      return EnvelopeAnswer.event(try await handler(event, invocation), log: invocation.log)
    } catch {
      return .problem(Problem(failure: error))
    }
  }

  /// The parameters of the function's own route, for an envelope that does not bring them.
  func parameters(of function: FunctionRoute, in request: HTTPRequest) -> [String: String] {
    guard case .http(let route, _, _) = function.trigger, let pattern = try? HTTPRoutePattern(routes.pattern(of: route))
    else { return [:] }
    return pattern.match(request.pathSegments) ?? [:]
  }
}

/// The code of the functions, by the `handler` names of `function-routes.json`.
package struct FunctionHandlers: Sendable {
  /// Answers a request.
  package typealias HTTPHandler = @Sendable (HTTPRequest, Invocation) async -> HTTPResponse
  /// Works on a timer's run or a message. What it throws fails the invocation, and the host retries or records it.
  package typealias EventHandler = @Sendable (FunctionEvent, Invocation) async throws -> FunctionResult

  package private(set) var http: [String: HTTPHandler] = [:]
  package private(set) var events: [String: EventHandler] = [:]

  package init() {}

  /// Registers a handler for HTTP functions; the last one of a name counts.
  package mutating func onHTTP(_ name: String, _ handler: @escaping HTTPHandler) { http[name] = handler }

  /// Registers a handler for timer and queue functions; the last one of a name counts.
  package mutating func onEvent(_ name: String, _ handler: @escaping EventHandler) { events[name] = handler }
}

/// Why routes and handlers do not make an app.
package enum FunctionAppError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A function names a handler that is not registered for its kind of trigger.
  case missingHandler(function: String, handler: String, trigger: FunctionTrigger.Kind)
  /// A route cannot be registered; `FunctionRoutes` has refused such ones before.
  case badRoute(HTTPRouteError)

  /// What is wrong, and what to do.
  package var description: String {
    switch self {
    case .missingHandler(let function, let handler, let trigger):
      "function `\(function)`: no handler `\(handler)` is registered for \(trigger.rawValue) triggers; "
        + "correct `handler` in function-routes.json or register it"
    case .badRoute(let error): error.description
    }
  }
}
