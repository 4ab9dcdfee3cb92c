/// Finds the value that was registered for a method and a path. No two routes can fit the same request, so their order does
/// not matter: the Functions host leaves the order of overlapping routes undefined, and so nothing may depend on it.
package struct HTTPRouter<Value: Sendable>: Sendable {
  /// What a request leads to.
  package enum Match: Sendable {
    /// The value, and the decoded parameters of its pattern.
    case found(Value, parameters: [String: String])
    /// No pattern fits the path.
    case notFound
    /// A pattern fits the path, for these other methods: the value of `Allow`.
    case methodNotAllowed(allow: [HTTPMethod])
  }

  private struct Route: Sendable {
    let method: HTTPMethod
    let pattern: HTTPRoutePattern
    let value: Value
  }

  private var routes: [Route] = []

  package init() {}

  /// Adds a route.
  /// - Throws: `HTTPRouteError.ambiguous` when a route of the same method could fit the same path, `.badPattern`.
  package mutating func register(_ method: HTTPMethod, _ pattern: String, _ value: Value) throws(HTTPRouteError) {
    let pattern = try HTTPRoutePattern(pattern)
    if let other = routes.first(where: { $0.method == method && $0.pattern.overlaps(pattern) }) {
      throw .ambiguous(method: method, pattern: pattern.description, other: other.pattern.description)
    }
    routes.append(Route(method: method, pattern: pattern, value: value))
  }

  /// Looks up a request. HEAD is served by GET's value when it has none of its own (RFC 9110 §9.3.2).
  /// - Parameter segments: the decoded segments of the path, as `HTTPRequest.pathSegments`.
  package func match(_ method: HTTPMethod, _ segments: [String]) -> Match {
    var fallback: Match?
    var allowed: Set<HTTPMethod> = []
    for route in routes {
      guard let parameters = route.pattern.match(segments) else { continue }
      if route.method == method { return .found(route.value, parameters: parameters) }
      if route.method == .get && method == .head { fallback = .found(route.value, parameters: parameters) }
      allowed.insert(route.method)
      if route.method == .get { allowed.insert(.head) }
    }
    if let fallback { return fallback }
    guard !allowed.isEmpty else { return .notFound }
    return .methodNotAllowed(allow: HTTPMethod.known.filter(allowed.contains))
  }
}
