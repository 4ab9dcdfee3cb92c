import Essentials

/// The query of a request target, decoded: escapes resolved, `+` read as a space, repeated keys kept in order.
package struct HTTPQuery: Sendable, Equatable {
  /// One `name=value`; a name without `=` has an empty value.
  package struct Item: Sendable, Equatable {
    /// The decoded name; its case counts.
    package let name: String
    package let value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  package let items: [Item]

  package init(items: [Item] = []) { self.items = items }

  /// Reads the part of a target after `?`. Nothing is refused: an escape that is broken stands for itself.
  package init(parsing text: some StringProtocol) {
    items = text.split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return Item(
        name: Self.decode(parts[0]),
        value: parts.count > 1 ? Self.decode(parts[1]) : "")
    }
  }

  /// The text behind a name or value: `+` is a space, a broken escape stands for itself, as browsers and ASP.NET read it
  /// (WHATWG URL §5.1).
  static func decode(_ text: some StringProtocol) -> String {
    let spaced = text.utf8.lazy.map { $0 == UInt8(ascii: "+") ? UInt8.space : $0 }
    return String(decoding: PercentEncoding.bytes(of: spaced, keepsBroken: true) ?? [], as: UTF8.self)
  }

  /// The first value of `name`.
  package subscript(name: String) -> String? { items.first { $0.name == name }?.value }
}
