package import Essentials

/// A whole request: the handler is called when the body is there.
package struct HTTPRequest: Sendable {
  package let method: HTTPMethod
  /// The target as sent, such as `/api/verify?table=a`; it may hold an access key, so keep it out of logs.
  package private(set) var target: String
  /// The path as sent, percent-encoded, at least `/`; `*` for `OPTIONS *`. It holds no query.
  package let path: String
  /// The decoded path segments; a slash at the end adds none, so `/` has none.
  package let pathSegments: [String]
  package private(set) var query: HTTPQuery
  /// The header fields as sent.
  package var headers: HTTPFields
  /// The body, transfer coding removed.
  package internal(set) var body: [UInt8]
  /// The client's `X-Request-Id` when it is fit for logs, else a new one; the answer carries it.
  package let id: String
  /// Host and port of a target in absolute form.
  package let targetAuthority: Authority?
  /// The decoded values of the route's `{name}` parts.
  package var parameters: [String: String]

  /// A request as a client would send it.
  /// - Parameter target: origin-form (`/path?query`), absolute-form (`http://host/path`), or `*` with OPTIONS.
  /// - Throws: `HTTPRefusal` with status 400 and code `bad_target` when the target is none of these.
  package init(
    method: HTTPMethod, target: String, headers: HTTPFields = [:], body: [UInt8] = [],
    parameters: [String: String] = [:]
  ) throws(HTTPRefusal) {
    let parts = try RequestTarget(target, method: method)
    self.init(method: method, target: target, parts: parts, headers: headers, body: body)
    self.parameters = parameters
  }

  init(method: HTTPMethod, target: String, parts: RequestTarget, headers: HTTPFields, body: [UInt8]) {
    self.method = method
    self.target = target
    self.path = parts.path
    self.pathSegments = parts.segments
    self.query = HTTPQuery(parsing: parts.query ?? "")
    self.headers = headers
    self.body = body
    self.parameters = [:]
    id = RequestID.of(headers)
    targetAuthority = parts.authority.flatMap { Authority($0) }
  }

  /// Takes every query item whose decoded name is `name` (without regard to ASCII case) out of `query` and `target`, so
  /// that a secret in it reaches no handler and no log.
  package mutating func removeQueryItems(named name: String) {
    guard let mark = target.firstIndex(of: "?") else { return }
    let kept = target[target.index(after: mark)...].split(separator: "&").filter { pair in
      let rawName = pair.prefix { $0 != "=" }
      return !HTTPQuery.decode(rawName).equalsIgnoringASCIICase(name)
    }
    let text = kept.joined(separator: "&")
    target = target[..<mark] + (text.isEmpty ? "" : "?" + text)
    query = HTTPQuery(parsing: text)
  }
}
