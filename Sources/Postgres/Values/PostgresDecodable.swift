package import Foundation

/// A Swift type that a column's text form can be read as. OIDs are those of PostgreSQL's `pg_type.dat`.
package protocol PostgresDecodable: Sendable {
  /// Whether a column of that type may be read as this.
  static func accepts(oid: UInt32) -> Bool
  /// Reads the server's text form; nil when it is not of that form.
  init?(postgresText text: String)
}

extension String: PostgresDecodable {
  /// Every type has a text form.
  package static func accepts(oid: UInt32) -> Bool { true }
  /// The text itself.
  package init?(postgresText text: String) { self = text }
}

extension Int: PostgresDecodable {
  /// `int8`, `int2`, `int4`, `oid`.
  package static func accepts(oid: UInt32) -> Bool { [20, 21, 23, 26].contains(oid) }
  /// Decimal digits.
  package init?(postgresText text: String) { self.init(text) }
}

extension Double: PostgresDecodable {
  /// `float4`, `float8`, `numeric` and the integers.
  package static func accepts(oid: UInt32) -> Bool { [700, 701, 1700, 20, 21, 23].contains(oid) }
  /// Decimal, `NaN` or `Infinity`.
  package init?(postgresText text: String) { self.init(text) }
}

extension Bool: PostgresDecodable {
  /// `bool`.
  package static func accepts(oid: UInt32) -> Bool { oid == 16 }
  /// `t` or `f`.
  package init?(postgresText text: String) {
    guard text == "t" || text == "f" else { return nil }
    self = text == "t"
  }
}

extension Date: PostgresDecodable {
  /// `timestamptz`.
  package static func accepts(oid: UInt32) -> Bool { oid == 1184 }

  /// `2024-01-01 00:00:00[.ffffff]+00`: sessions are pinned to UTC and ISO.
  package init?(postgresText text: String) {
    guard text.hasSuffix("+00") else { return nil }
    let parts = text.dropLast(3).split(separator: ".", maxSplits: 1)
    let style = ISO8601FormatStyle(timeZone: .gmt).year().month().day()
      .dateTimeSeparator(.space).time(includingFractionalSeconds: false)
    guard let whole = try? style.parse(String(parts[0])) else { return nil }
    let fraction = parts.count == 2 ? Double("0." + parts[1]) ?? 0 : 0
    self = whole.addingTimeInterval(fraction)
  }
}

extension Array: PostgresDecodable where Element == String {
  /// `text[]` and `name[]`, as made by `array_agg` over names and by `to_json` free queries.
  package static func accepts(oid: UInt32) -> Bool { [1009, 1003].contains(oid) }

  /// One-dimensional array text: `{a,"b c","say \"x\""}`. NULL elements are refused.
  package init?(postgresText text: String) {
    guard text.first == "{", text.last == "}" else { return nil }
    var items: [String] = []
    var current = ""
    var quoted = false
    var wasQuoted = false
    var escaped = false
    let inner = text.dropFirst().dropLast()
    for character in inner {
      if escaped {
        current.append(character)
        escaped = false
      } else if character == "\\" {
        escaped = true
      } else if character == "\"" {
        quoted.toggle()
        wasQuoted = true
      } else if character == "," && !quoted {
        guard wasQuoted || current != "NULL" else { return nil }
        items.append(current)
        current = ""
        wasQuoted = false
      } else {
        current.append(character)
      }
    }
    guard !quoted, !escaped, wasQuoted || current != "NULL" else { return nil }
    if !inner.isEmpty { items.append(current) }
    self = items
  }
}
