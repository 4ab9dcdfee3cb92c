extension StringProtocol {
  /// Without the optional white space of RFC 9110 §5.6.3 at both ends: for fields of protocols.
  package func trimmingSpaceAndTab() -> String {
    String(decoding: Array(utf8)[...].trimmingSpaceAndTab(), as: UTF8.self)
  }

  /// Without Unicode white space, line breaks included, at both ends: for what people type and for files.
  package func trimmingUnicodeWhitespace() -> String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}

extension ArraySlice<UInt8> {
  /// Without the optional white space of RFC 9110 §5.6.3 at both ends, for bytes that need not be UTF-8.
  package func trimmingSpaceAndTab() -> ArraySlice<UInt8> {
    var rest = self
    while let first = rest.first, first.isSpaceOrTab { rest.removeFirst() }
    while let last = rest.last, last.isSpaceOrTab { rest.removeLast() }
    return rest
  }
}
