import Essentials

/// The parts of a request target (RFC 9112 §3.2), split but for the path segments still encoded.
struct RequestTarget: Equatable {
  /// The percent-encoded path, at least `/`, or `*`.
  let path: String
  /// The text after `?`, without it; nil when there is no `?`.
  let query: String?
  /// The authority of an absolute-form target.
  let authority: String?
  /// The decoded segments; a slash at the end adds none.
  let segments: [String]

  /// - Throws: `HTTPRefusal` 400 `bad_target`.
  init(_ target: String, method: HTTPMethod) throws(HTTPRefusal) {
    guard !target.isEmpty, target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x23 }) else {
      throw .badTarget("The request target has a character that must be percent-encoded, or a fragment.")
    }
    if target == "*" {
      guard method == .options else { throw .badTarget("The target `*` is allowed with OPTIONS only.") }
      (path, query, authority, segments) = ("*", nil, nil, ["*"])
      return
    }
    var rest = target[...]
    if target.utf8.first != 0x2F {
      guard let split = Self.splitAuthority(target) else {
        throw .badTarget("The request target must begin with `/` or be an absolute http or https URI.")
      }
      authority = split.authority
      rest = split.rest
    } else {
      authority = nil
    }
    let mark = rest.firstIndex(of: "?")
    let path = String(rest[..<(mark ?? rest.endIndex)])
    query = mark.map { String(rest[rest.index(after: $0)...]) }
    if path.isEmpty && method == .options && authority != nil && query == nil {
      // RFC 9112 §3.2.4: a proxy sends `OPTIONS http://host` for `*`.
      (self.path, segments) = ("*", ["*"])
      return
    }
    self.path = path.isEmpty ? "/" : path
    segments = try Self.decodeSegments(of: self.path)
  }

  private static func splitAuthority(_ target: String) -> (authority: String, rest: Substring)? {
    for scheme in ["http://", "https://"] where target.prefix(scheme.count).equalsIgnoringASCIICase(scheme) {
      let tail = target.dropFirst(scheme.count)
      let end = tail.firstIndex { $0 == "/" || $0 == "?" } ?? tail.endIndex
      let authority = tail[..<end]
      guard Authority(authority) != nil else { return nil }
      return (String(authority), tail[end...])
    }
    return nil
  }

  /// The text of a path segment; nil when an escape is broken, the bytes are not UTF-8, or a NUL hides in it.
  static func decode(segment: some StringProtocol) -> String? {
    PercentEncoding.decode(segment).flatMap { $0.utf8.contains(0) ? nil : $0 }
  }

  private static func decodeSegments(of path: String) throws(HTTPRefusal) -> [String] {
    var pieces = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    if pieces.last?.isEmpty == true { pieces.removeLast() }
    var segments: [String] = []
    for piece in pieces {
      guard let decoded = Self.decode(segment: piece) else {
        throw .badTarget("The path has a broken percent escape, or one that is not UTF-8 text.")
      }
      segments.append(decoded)
    }
    return segments
  }
}
