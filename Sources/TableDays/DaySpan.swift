import FoundationEssentials

/// The span of a time column's values that a day means, as the database compares them: `start <= value < end`.
package struct DaySpan: Sendable, Equatable {
  /// The type of the values; bounds must be of the same type, or an index and partitions are not used.
  package enum Kind: String, Sendable {
    case instant = "timestamp with time zone"
    case wallClock = "timestamp without time zone"
    case date = "date"

    /// The kind of a column of the type that `format_type` prints so; nil for a type without days.
    package init?(baseType: String) {
      self.init(rawValue: baseType)
    }

    /// The type's name, qualified, as a cast writes it.
    package var sqlType: String {
      switch self {
      case .instant: "pg_catalog.timestamptz"
      case .wallClock: "pg_catalog.timestamp"
      case .date: "pg_catalog.date"
      }
    }
  }

  package let kind: Kind
  /// The first value.
  package let start: String
  /// The first value after it.
  package let end: String

  /// The span of `window`. A `timestamp` or `date` has no zone of its own: its day is the day it shows, whatever the zone.
  package init(_ window: DayWindow, kind: Kind) {
    self.kind = kind
    switch kind {
    case .instant:
      start = DayWindow.text(window.start, in: .gmt)
      end = DayWindow.text(window.end, in: .gmt)
    case .wallClock, .date:
      start = "\(window.day)"
      end = "\(window.day.adding(days: 1))"
    }
  }
}
