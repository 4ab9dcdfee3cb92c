extension StringProtocol {
  /// Without the optional white space of RFC 9110 §5.6.3 at both ends: for fields of protocols.
  package func trimmingSpaceAndTab() -> String {
    var view = Array(utf8)[...]
    while let first = view.first, first.isSpaceOrTab { view.removeFirst() }
    while let last = view.last, last.isSpaceOrTab { view.removeLast() }
    return String(decoding: view, as: UTF8.self)
  }

  /// Without Unicode white space, line breaks included, at both ends: for what people type and for files.
  package func trimmingUnicodeWhitespace() -> String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
