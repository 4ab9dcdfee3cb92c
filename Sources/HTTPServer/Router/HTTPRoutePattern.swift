import Essentials

/// A path pattern such as `/api/operations/{id}` or `/api/cron/{action?}`. Literal segments match without ASCII case, as
/// ASP.NET's routing does; `{name}` takes one segment that is not empty; `{name?}` may stand last and may be missing.
package struct HTTPRoutePattern: Sendable, Equatable, CustomStringConvertible {
  enum Segment: Equatable {
    case literal(String)
    case parameter(String)
    case optional(String)
  }

  let segments: [Segment]
  /// The pattern with one slash in front.
  package let description: String

  /// Reads a pattern; a slash at either end makes no difference.
  /// - Throws: `HTTPRouteError.badPattern`.
  package init(_ text: String) throws(HTTPRouteError) {
    var pieces = text.split(separator: "/", omittingEmptySubsequences: false)
    if pieces.first?.isEmpty == true { pieces.removeFirst() }
    if pieces.last?.isEmpty == true { pieces.removeLast() }
    var segments: [Segment] = []
    var names: Set<String> = []
    for (index, piece) in pieces.enumerated() {
      let segment = try Self.segment(piece, of: text)
      switch segment {
      case .literal: break
      case .optional where index < pieces.count - 1:
        throw .badPattern(text, "`\(piece)` is optional and so must be the last segment")
      case .parameter(let name), .optional(let name):
        guard names.insert(name.asciiLowercased()).inserted else {
          throw .badPattern(text, "the parameter `\(name)` is given twice")
        }
      }
      segments.append(segment)
    }
    self.segments = segments
    description = "/" + pieces.joined(separator: "/")
  }

  private static func segment(_ piece: Substring, of text: String) throws(HTTPRouteError) -> Segment {
    guard !piece.isEmpty else { throw .badPattern(text, "it has an empty segment") }
    guard piece.contains(where: { "{}*:?".contains($0) }) else {
      guard let literal = RequestTarget.decode(segment: piece) else {
        throw .badPattern(text, "the segment `\(piece)` has a broken percent escape")
      }
      return .literal(literal)
    }
    let inner = piece.dropFirst().dropLast()
    let isOptional = inner.hasSuffix("?")
    let name = isOptional ? inner.dropLast() : inner
    guard piece.hasPrefix("{"), piece.hasSuffix("}"), !name.isEmpty,
      name.utf8.allSatisfy({ $0.isAlpha || $0.isDigit || $0 == 0x5F || $0 == 0x2D })
    else {
      throw .badPattern(
        text,
        "the segment `\(piece)` is not `text`, `{name}` or `{name?}`; constraints and `{*rest}` are not supported")
    }
    return isOptional ? .optional(String(name)) : .parameter(String(name))
  }

  /// The parameters when the decoded path segments fit, else nil.
  package func match(_ path: [String]) -> [String: String]? {
    let mayLackOne = if case .optional = segments.last { true } else { false }
    guard path.count == segments.count || (mayLackOne && path.count == segments.count - 1) else { return nil }
    var parameters: [String: String] = [:]
    for (segment, value) in zip(segments, path) {
      switch segment {
      case .literal(let text): guard text.equalsIgnoringASCIICase(value) else { return nil }
      case .parameter(let name), .optional(let name):
        guard !value.isEmpty else { return nil }
        parameters[name] = value
      }
    }
    return parameters
  }

  /// Whether some path fits both patterns.
  func overlaps(_ other: HTTPRoutePattern) -> Bool {
    let lengths = Set(possibleLengths).intersection(other.possibleLengths)
    return lengths.contains { length in
      zip(segments.prefix(length), other.segments.prefix(length)).allSatisfy { pair in
        guard case (.literal(let mine), .literal(let theirs)) = pair else { return true }
        return mine.equalsIgnoringASCIICase(theirs)
      }
    }
  }

  private var possibleLengths: [Int] {
    if case .optional = segments.last { return [segments.count - 1, segments.count] }
    return [segments.count]
  }
}

/// Why a route cannot be registered.
package enum HTTPRouteError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The pattern cannot be read; the second value says why.
  case badPattern(String, String)
  /// Two patterns of one method fit the same path.
  case ambiguous(method: HTTPMethod, pattern: String, other: String)

  /// What is wrong, and what to do.
  package var description: String {
    switch self {
    case .badPattern(let pattern, let reason):
      "the route pattern `\(pattern)` cannot be read: \(reason)"
    case .ambiguous(let method, let pattern, let other):
      "\(method) `\(pattern)` and \(method) `\(other)` fit the same path; make their literal segments differ"
    }
  }
}
