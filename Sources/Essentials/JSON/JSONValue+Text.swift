extension JSONValue {
  /// Compact JSON text. Members are in the order of their names, so the same value always gives the same bytes.
  package var compact: String { write(indent: nil) }

  /// JSON text with two spaces per level and a line break at the end, for files that people read and compare.
  package var pretty: String { write(indent: 0) + "\n" }

  private func write(indent: Int?) -> String {
    switch self {
    case .null: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .integer(let whole): String(whole)
    // JSON has no NaN and no infinity (RFC 8259 §6). What a Double holds as a whole number is written as one.
    case .number(let number): Int(exactly: number).map(String.init) ?? (number.isFinite ? "\(number)" : "null")
    case .string(let text): JSONText.quoted(text)
    case .array(let items):
      enclose(items.map { $0.write(indent: indent.map { $0 + 2 }) }, in: ("[", "]"), indent: indent)
    case .object(let members):
      enclose(
        members.sorted { $0.key < $1.key }.map { name, value in
          JSONText.quoted(name) + (indent == nil ? ":" : ": ") + value.write(indent: indent.map { $0 + 2 })
        }, in: ("{", "}"), indent: indent)
    }
  }

  private func enclose(_ items: [String], in ends: (String, String), indent: Int?) -> String {
    guard let indent, !items.isEmpty else { return ends.0 + items.joined(separator: ",") + ends.1 }
    let margin = "\n" + String(repeating: " ", count: indent)
    return ends.0 + items.map { margin + "  " + $0 }.joined(separator: ",") + margin + ends.1
  }
}

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
