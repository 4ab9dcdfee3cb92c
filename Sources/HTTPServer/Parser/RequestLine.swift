import Essentials

/// The first line of a request (RFC 9112 §3): three parts with one space between.
struct RequestLine: Equatable {
  let method: HTTPMethod
  let target: String
  let version: RequestHead.Version

  /// - Parameter line: the line without its CRLF.
  /// - Throws: `HTTPRefusal` 400, 414, 501 or 505.
  init(_ line: [UInt8], limits: ParserLimits) throws(HTTPRefusal) {
    let parts = line.split(separator: .space, omittingEmptySubsequences: false)
    guard parts.count == 3 else {
      throw .badRequestLine("The request line is not `METHOD target HTTP/1.1`.")
    }
    guard !parts[0].isEmpty, parts[0].allSatisfy(\.isTokenByte) else {
      throw .badRequestLine("The method has characters that a method cannot have.")
    }
    let target = String(decoding: parts[1], as: UTF8.self)
    version = try Self.version(parts[2])
    guard parts[1].count <= limits.target else {
      throw HTTPRefusal(414, "target_too_long", "The request target is over \(limits.target) bytes.")
    }
    method = HTTPMethod(rawValue: String(decoding: parts[0], as: UTF8.self))
    guard HTTPMethod.known.contains(method) || HTTPMethod.refused.contains(method) else {
      throw HTTPRefusal(501, "unknown_method", "The method is not one of \(HTTPMethod.known.map(\.rawValue)).")
    }
    self.target = target
  }

  private static func version(_ bytes: ArraySlice<UInt8>) throws(HTTPRefusal) -> RequestHead.Version {
    let text = Array(bytes)
    guard text.count == 8, text.starts(with: Array("HTTP/".utf8)), text[5].isDigit, text[6] == 0x2E, text[7].isDigit
    else {
      throw .badRequestLine("The request line does not end with an HTTP version.")
    }
    switch (text[5], text[7]) {
    case (0x31, 0x31): return .http11
    case (0x31, 0x30): return .http10
    default:
      throw HTTPRefusal(505, "unsupported_version", "The supported HTTP versions are 1.0 and 1.1.")
    }
  }
}

extension HTTPFields.Field {
  /// Reads a field line (RFC 9112 §5), or a line of the trailer section.
  /// - Parameter line: the line without its CRLF.
  /// - Throws: `HTTPRefusal` 400 `bad_header_line`.
  init(line: [UInt8]) throws(HTTPRefusal) {
    guard let first = line.first, !first.isSpaceOrTab else {
      throw .badHeader("A header line begins with white space; folded headers are not supported (RFC 9112 §5.2).")
    }
    guard let colon = line.firstIndex(of: .colon) else { throw .badHeader("A header line has no colon.") }
    let name = line[..<colon]
    if let last = name.last, last.isSpaceOrTab {
      throw .badHeader("There is white space between a header's name and its colon (RFC 9112 §5.1).")
    }
    guard !name.isEmpty, name.allSatisfy(\.isTokenByte) else {
      throw .badHeader("A header name has characters that a name cannot have.")
    }
    let value = line[(colon + 1)...].trimmingSpaceAndTab()
    guard value.allSatisfy(\.isFieldValueByte) else { throw .badHeader("A header value has a control character.") }
    // Bytes that are not UTF-8 are read as Latin-1, what RFC 9110 §5.5 calls the historical meaning.
    let text =
      String(validating: value, as: UTF8.self) ?? String(String.UnicodeScalarView(value.map { Unicode.Scalar($0) }))
    self.init(name: String(decoding: name, as: UTF8.self), value: text)
  }
}
