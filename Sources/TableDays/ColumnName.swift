/// A column's name, as the catalog or a file's header spells it.
///
/// Two names are the same when their UTF-8 is. To `String`, é as one scalar and as e with a combining accent are equal; to
/// PostgreSQL they are two columns, and one table may have both.
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
  /// Takes in the bytes of a name, with their end.
  package mutating func combine(utf8 text: String) {
    for byte in text.utf8 { combine(byte) }
    combine(UInt8(0xFF))
  }
}
