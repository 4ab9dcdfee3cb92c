import FoundationEssentials

/// The values of a time column that belong to a day, in the database's comparison: `start <= value < end`.
package struct DaySpan: Sendable, Equatable {
  /// The type of the values. The bounds must have the same type; otherwise the server uses neither the index nor
  /// partition pruning.
  package enum Kind: String, Sendable, Codable {
    case instant = "timestamp with time zone"
    case wallClock = "timestamp without time zone"
    case date = "date"
    case bigint = "bigint"
    case integer = "integer"

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
      case .bigint: "pg_catalog.int8"
      case .integer: "pg_catalog.int4"
      }
    }

    /// The values that the type holds; nil for a type that is not of integers.
    package var integers: ClosedRange<Int>? {
      switch self {
      case .bigint: Int.min...Int.max
      case .integer: Int(Int32.min)...Int(Int32.max)
      case .instant, .wallClock, .date: nil
      }
    }

    /// Whether a value is an instant, so that its day depends on a time zone. Others show the day on a clock.
    package var tellsInstants: Bool { self != .wallClock && self != .date }
  }

  package let kind: Kind
  /// What the values count; nil for a kind that is not of integers.
  package let unit: TimeUnit?
  /// The first value.
  package let start: String
  /// The first value after it.
  package let end: String

  /// The span of `kind` from the value `start` to before `end`.
  package init(kind: Kind, unit: TimeUnit? = nil, start: String, end: String) {
    self.kind = kind
    self.unit = unit
    self.start = start
    self.end = end
  }

  /// The span of `window`. A `timestamp` or `date` has no zone: its day is the calendar day that it shows. Nil for
  /// integers without a unit, and where the type does not hold the day's values.
  package init?(_ window: DayWindow, kind: Kind, unit: TimeUnit? = nil) {
    switch kind {
    case .instant:
      self.init(
        kind: kind, start: DayWindow.text(window.start, in: .gmt), end: DayWindow.text(window.end, in: .gmt))
    case .wallClock, .date: self.init(kind: kind, start: "\(window.day)", end: "\(window.day.adding(days: 1))")
    case .bigint, .integer:
      guard let unit, let range = kind.integers,
        let start = unit.value(of: window.start), let end = unit.value(of: window.end),
        range.contains(start), range.contains(end)
      else { return nil }
      self.init(kind: kind, unit: unit, start: "\(start)", end: "\(end)")
    }
  }
}
