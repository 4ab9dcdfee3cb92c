import Foundation
package import TableDays

/// A chunk of a hypertable: the rows of one range of its dimension, or a part of them where it has space partitions.
package struct Chunk: Sendable, Equatable {
  /// The bits of a chunk's status in the extension's catalog (timescaledb, `chunk.h`).
  package struct Status: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let compressed = Status(rawValue: 1)
    /// It refuses changes.
    package static let frozen = Status(rawValue: 4)
    /// It has rows beside the compressed ones.
    package static let partial = Status(rawValue: 8)
  }

  package let table: TableName
  /// The relation's OID.
  package let oid: Int
  /// The first value of its range, as the catalog counts: microseconds since 1970, or an integer column's own values.
  package let start: Int
  /// The first value after the range. `Int.max` and, at the start, `Int.min` are open ends.
  package let end: Int
  package let status: Status
  /// When it was made, in microseconds since 1970.
  package let created: Int

  package var isCompressed: Bool { status.contains(.compressed) }
  package var isPartial: Bool { status.contains(.partial) }
  package var isFrozen: Bool { status.contains(.frozen) }

  /// The state in one word: `uncompressed`, `compressed`, `partial` or `frozen`.
  package var state: String {
    if isFrozen { return "frozen" }
    return isPartial ? "partial" : isCompressed ? "compressed" : "uncompressed"
  }

  /// The range as values of the dimension's type show it; nil at an open end.
  package func texts(of dimension: Hypertable.Dimension) -> (start: String?, end: String?) {
    (Self.text(start, dimension.kind), Self.text(end, dimension.kind))
  }

  private static func text(_ value: Int, _ kind: DaySpan.Kind?) -> String? {
    guard value != Int.min, value != Int.max else { return nil }
    // Ranges begin at whole seconds in practice; a shorter interval shows the second it begins in.
    let instant = Date(timeIntervalSince1970: (Double(value) / 1_000_000).rounded(.down))
    let text = DayWindow.text(instant, in: .gmt)
    switch kind {
    case .instant?: return text
    case .wallClock?: return String(text.prefix(19))
    case .date?: return String(text.prefix(10))
    default: return String(value)
    }
  }
}
