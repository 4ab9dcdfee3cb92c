/// The one place that writes JSON strings (RFC 8259 §7), so that every error body of the program quotes alike.
package enum JSONText {
  /// `text` as a JSON string, quotes included. Besides what the RFC demands, U+2028 and U+2029 are left as they are: the
  /// text is for JSON readers, not for script blocks.
  package static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
