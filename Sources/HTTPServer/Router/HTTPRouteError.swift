/// Why a route cannot be registered.
public enum HTTPRouteError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The pattern cannot be read; the second value says why.
  case badPattern(String, String)
  /// Two patterns of one method fit the same path.
  case ambiguous(method: HTTPMethod, pattern: String, other: String)

  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .badPattern(let pattern, let reason):
      "the route pattern `\(pattern)` cannot be read: \(reason)"
    case .ambiguous(let method, let pattern, let other):
      "\(method) `\(pattern)` and \(method) `\(other)` fit the same path; make their literal segments differ"
    }
  }
}
