/// A request method (RFC 9110 §9). Method names are case-sensitive.
package struct HTTPMethod: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  /// The name as it stands in the request line.
  package let rawValue: String

  /// Takes any name; the parser only lets `known` methods through.
  package init(rawValue: String) { self.rawValue = rawValue }

  /// Takes the name from a literal, as in `request.method == "GET"`.
  package init(stringLiteral value: String) { self.rawValue = value }

  /// The name as it stands in the request line.
  package var description: String { rawValue }

  package static let get = HTTPMethod(rawValue: "GET")
  package static let head = HTTPMethod(rawValue: "HEAD")
  package static let post = HTTPMethod(rawValue: "POST")
  package static let put = HTTPMethod(rawValue: "PUT")
  package static let patch = HTTPMethod(rawValue: "PATCH")
  package static let delete = HTTPMethod(rawValue: "DELETE")
  package static let options = HTTPMethod(rawValue: "OPTIONS")
  package static let trace = HTTPMethod(rawValue: "TRACE")
  package static let query = HTTPMethod(rawValue: "QUERY")

  /// The methods that a route may have.
  package static let known: [HTTPMethod] = [.get, .head, .post, .put, .patch, .delete, .options]

  /// Those that no route has, and that are handed to the handler all the same, which answers them 405 with the methods of their
  /// target; any other is answered 501 (RFC 9110 §15.6.2), `CONNECT` among them.
  package static let refused: [HTTPMethod] = [.trace, .query]
}
