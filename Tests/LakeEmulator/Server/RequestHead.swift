/// Request line and header fields.
struct RequestHead {
  let method: String
  /// The path as it was sent, percent-encoded: signatures are made over this.
  let rawPath: String
  let query: RequestQuery
  /// Values by lower-case names; a repeated field is joined by commas.
  let headers: [String: String]
  /// Whether an `X-HTTP-Method-Override` took effect ("Path - Update").
  let sentMethod: String

  /// - Throws: ``ServiceError``.
  init(_ bytes: [UInt8]) throws(ServiceError) {
    var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: true).map { line in
      String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
    }
    lines.removeAll { $0.isEmpty }
    let parts = (lines.first ?? "").split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[2].hasPrefix("HTTP/1."), parts[1].hasPrefix("/") else {
      throw ServiceError(400, "InvalidInput", "The request line is not `METHOD /target HTTP/1.1`.")
    }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let field = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard field.count == 2 else { throw ServiceError(400, "InvalidInput", "A header line has no colon.") }
      let value = field[1].drop { $0 == " " || $0 == "\t" }
      let trimmed = String(value.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
      headers[field[0].lowercased()] = headers[field[0].lowercased()].map { "\($0),\(trimmed)" } ?? trimmed
    }
    self.headers = headers
    sentMethod = String(parts[0])
    let override = headers["x-http-method-override"]?.uppercased()
    method = sentMethod == "PUT" && override == "PATCH" ? "PATCH" : sentMethod
    let target = parts[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    rawPath = String(target[0])
    query = try RequestQuery(target.count == 2 ? String(target[1]) : "")
  }

  subscript(name: String) -> String? { headers[name] }

  /// The value of a header, taking an empty one for an absent one, as the service and its clients do.
  func nonEmpty(_ name: String) -> String? {
    headers[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  var wantsClose: Bool { headers["connection"]?.lowercased().contains("close") ?? false }
  var expectsContinue: Bool { headers["expect"]?.lowercased() == "100-continue" }

  /// The length of the body; nil when none is told.
  /// - Throws: ``ServiceError`` for what is not a length.
  func contentLength() throws(ServiceError) -> Int? {
    guard let text = headers["content-length"] else { return nil }
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(text) else {
      throw ServiceError(400, "InvalidHeaderValue", "Content-Length is not a decimal number.")
    }
    return length
  }
}
