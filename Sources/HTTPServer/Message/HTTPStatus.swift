/// A response status (RFC 9110 §15).
package struct HTTPStatus: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  package let code: Int

  package init(_ code: Int) { self.code = code }

  /// Takes the three-digit code from a literal.
  package init(integerLiteral value: Int) { self.code = value }

  /// Code and reason, such as `404 Not Found`.
  package var description: String { "\(code) \(reason)" }

  /// The reason phrase of RFC 9110 §15, or a general one for a code it does not name.
  package var reason: String {
    if let phrase = Self.reasons[code] { return phrase }
    switch code / 100 {
    case 1: return "Informational"
    case 2: return "Success"
    case 3: return "Redirection"
    case 4: return "Client Error"
    default: return "Server Error"
    }
  }

  /// Whether a response with this status never carries content (RFC 9110 §6.4.1).
  package var forbidsBody: Bool { code == 204 || code == 304 || code < 200 }

  private static let reasons: [Int: String] = [
    100: "Continue", 200: "OK", 201: "Created", 202: "Accepted", 203: "Non-Authoritative Information",
    204: "No Content", 205: "Reset Content", 206: "Partial Content", 207: "Multi-Status", 301: "Moved Permanently",
    302: "Found", 303: "See Other", 304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect",
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    406: "Not Acceptable", 408: "Request Timeout", 409: "Conflict", 410: "Gone", 411: "Length Required",
    412: "Precondition Failed", 413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type",
    416: "Range Not Satisfiable", 417: "Expectation Failed", 422: "Unprocessable Content",
    423: "Locked", 424: "Failed Dependency", 426: "Upgrade Required", 428: "Precondition Required",
    429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
    501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
    505: "HTTP Version Not Supported", 507: "Insufficient Storage",
  ]
}
