/// The headers of a file that are kept and given back on read ("Path - Create").
struct ContentHeaders {
  /// Their names on an answer, and what they are called when they are set, after `x-ms-` and `x-ms-blob-`.
  static let names = [
    ("Content-Type", "content-type"), ("Content-Encoding", "content-encoding"),
    ("Content-Language", "content-language"), ("Content-Disposition", "content-disposition"),
    ("Cache-Control", "cache-control"),
  ]

  /// Values by their names on an answer.
  private(set) var values: [String: String] = [:]

  /// Takes what a request sets; what it does not name stays.
  mutating func update(from head: RequestHead) {
    for (name, key) in Self.names {
      if let value = head["x-ms-\(key)"] ?? head["x-ms-blob-\(key)"] { values[name] = value.isEmpty ? nil : value }
    }
  }

  /// For an answer; the type has a default.
  var answerHeaders: [(String, String)] {
    Self.names.compactMap { name, _ in
      (values[name] ?? (name == "Content-Type" ? "application/octet-stream" : nil)).map { (name, $0) }
    }
  }
}
