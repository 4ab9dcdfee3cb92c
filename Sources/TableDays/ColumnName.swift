/// A column's name, as the catalog or a file's header spells it.
///
/// Two names are equal when their UTF-8 bytes are. `String` treats é as one scalar and as e with a combining accent as
/// equal; PostgreSQL treats them as two columns, and one table may have both.
package struct ColumnName: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
  package let text: String

  package init(_ text: String) {
    self.text = text
  }

  package init(stringLiteral value: String) {
    text = value
  }

  package var description: String { text }

  package static func == (one: ColumnName, other: ColumnName) -> Bool { one.text.utf8.elementsEqual(other.text.utf8) }

  package func hash(into hasher: inout Hasher) { hasher.combine(utf8: text) }
}

extension Hasher {
  /// Adds the UTF-8 of `text` and a terminator, so that adjacent texts do not run together.
  package mutating func combine(utf8 text: String) {
    for byte in text.utf8 { combine(byte) }
    combine(UInt8(0xFF))
  }
}
