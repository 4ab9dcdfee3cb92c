import Essentials

extension HTTPFields.Field {
  /// Reads a field line (RFC 9112 §5), or a line of the trailer section.
  /// - Parameter line: the line without its CRLF.
  /// - Throws: `HTTPRefusal` 400 `bad_header`.
  init(line: [UInt8]) throws(HTTPRefusal) {
    guard let first = line.first, !first.isSpaceOrTab else {
      throw .badHeader("A header line begins with white space; folded headers are not served (RFC 9112 §5.2).")
    }
    guard let colon = line.firstIndex(of: .colon) else { throw .badHeader("A header line has no colon.") }
    let name = line[..<colon]
    if let last = name.last, last.isSpaceOrTab {
      throw .badHeader("There is white space between a header's name and its colon (RFC 9112 §5.1).")
    }
    guard !name.isEmpty, name.allSatisfy(\.isTokenByte) else {
      throw .badHeader("A header name has characters that a name cannot have.")
    }
    var value = line[(colon + 1)...]
    while let byte = value.first, byte.isSpaceOrTab { value.removeFirst() }
    while let byte = value.last, byte.isSpaceOrTab { value.removeLast() }
    guard value.allSatisfy(\.isFieldValueByte) else { throw .badHeader("A header value has a control character.") }
    // Bytes that are not UTF-8 are read as Latin-1, what RFC 9110 §5.5 calls the historical meaning.
    let text =
      String(validating: value, as: UTF8.self) ?? String(String.UnicodeScalarView(value.map { Unicode.Scalar($0) }))
    self.init(name: String(decoding: name, as: UTF8.self), value: text)
  }
}
