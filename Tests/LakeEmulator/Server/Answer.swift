import Foundation

/// What goes back to the client.
struct Answer {
  /// Where the body comes from.
  enum Body {
    case none
    case bytes([UInt8])
    /// A stretch of a data file; the file lives as long as the answer does, whatever happens to its path meanwhile.
    case file(DataFile, offset: Int, count: Int)

    var count: Int {
      switch self {
      case .none: 0
      case .bytes(let bytes): bytes.count
      case .file(_, _, let count): count
      }
    }
  }

  var status: Int
  var headers: [(name: String, value: String)] = []
  var body = Body.none
  /// The `Content-Length` of an answer to HEAD, which has no body of its own.
  var declaredLength: Int?
  /// Whether the connection ends after it.
  var closes = false

  init(_ status: Int, _ headers: [(String, String)] = [], body: Body = .none) {
    self.status = status
    self.headers = headers.map { (name: $0.0, value: $0.1) }
    self.body = body
  }

  /// A JSON body.
  static func json(_ status: Int, _ value: [String: Any]) -> Answer {
    let data = (try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes]))
    return Answer(
      status, [("Content-Type", "application/json; charset=utf-8")], body: .bytes(Array(data ?? Data("{}".utf8))))
  }

  mutating func set(_ name: String, _ value: String?) {
    headers.removeAll { $0.name.lowercased() == name.lowercased() }
    if let value { headers.append((name, value)) }
  }

  func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// Reason phrases. A client must not look at them.
enum Reason {
  static func phrase(_ status: Int) -> String {
    switch status {
    case 100: "Continue"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 206: "Partial Content"
    case 304: "The condition specified using HTTP conditional header(s) is not met."
    case 307: "Temporary Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 409: "Conflict"
    case 410: "Gone"
    case 411: "Length Required"
    case 412: "The condition specified using HTTP conditional header(s) is not met."
    case 413: "Request Entity Too Large"
    case 416: "The range specified is invalid for the current size of the resource."
    case 429: "Too Many Requests"
    case 500: "Internal Server Error"
    case 503: "Server Busy"
    default: "Status"
    }
  }
}
