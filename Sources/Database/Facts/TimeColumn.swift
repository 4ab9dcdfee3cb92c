import Foundation
import Postgres

/// The column that tells which day a row belongs to.
struct TimeColumn: Sendable, Equatable {
  /// The type of its values; bounds must be of the same type, or an index and partitions are not used.
  enum Kind: String, Sendable {
    case instant = "timestamp with time zone"
    case wallClock = "timestamp without time zone"
    case date = "date"

    init?(baseType: String) {
      self.init(rawValue: baseType)
    }
  }

  let name: ColumnName
  let kind: Kind

  /// `"c" >= start AND "c" < end`, bounds in the column's own type.
  ///
  /// A `timestamp` or `date` has no zone of its own: its day is the day it shows, whatever `BACKUP_TIMEZONE` says.
  func condition(for window: DayWindow, on connection: PostgresConnection) async throws -> String {
    let column = try await connection.quoteIdentifier(name.text)
    let (start, end): (String, String) =
      switch kind {
      case .instant: (DayWindow.text(window.start, in: .gmt), DayWindow.text(window.end, in: .gmt))
      case .wallClock, .date: ("\(window.day)", "\(window.day.adding(days: 1))")
      }
    let from = try await connection.quoteLiteral(start)
    let to = try await connection.quoteLiteral(end)
    return "\(column) >= \(from)::\(sqlType) AND \(column) < \(to)::\(sqlType)"
  }

  private var sqlType: String {
    switch kind {
    case .instant: "pg_catalog.timestamptz"
    case .wallClock: "pg_catalog.timestamp"
    case .date: "pg_catalog.date"
    }
  }
}
