import FoundationEssentials

/// The values of a time column that belong to a day, in the database's comparison: `start <= value < end`.
package struct DaySpan: Sendable, Equatable {
  /// The type of the values. The bounds must have the same type; otherwise the server uses neither the index nor
  /// partition pruning.
  package enum Kind: String, Sendable, Codable {
    case instant = "timestamp with time zone"
    case wallClock = "timestamp without time zone"
    case date = "date"

    /// The kind for a type as `format_type` prints it; nil for a type without days.
    package init?(baseType: String) {
      self.init(rawValue: baseType)
    }

    /// The kind for a type as `format_type` prints it with its precision, such as `timestamp(3) with time zone`.
    package init?(type: String) {
      self.init(rawValue: type.replacing(#/\(\d+\)/#, with: ""))
    }

    /// The type's qualified name, for a cast.
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

  /// The span of `kind` from the value `start` to before `end`.
  package init(kind: Kind, start: String, end: String) {
    self.kind = kind
    self.start = start
    self.end = end
  }

  /// The span of `window`. A `timestamp` or `date` has no zone: its day is the calendar day that it shows.
  package init(_ window: DayWindow, kind: Kind) {
    self.init(
      kind: kind, day: window.day,
      instants: (DayWindow.text(window.start, in: .gmt), DayWindow.text(window.end, in: .gmt)))
  }

  /// The span of `day`, whose first instant and first one after it are `instants`: these for a column with a zone, the
  /// calendar day for one without.
  package init(kind: Kind, day: Day, instants: (start: String, end: String)) {
    switch kind {
    case .instant: self.init(kind: kind, start: instants.start, end: instants.end)
    case .wallClock, .date: self.init(kind: kind, start: "\(day)", end: "\(day.adding(days: 1))")
    }
  }
}
