package import Foundation
package import Postgres
import Reporting
package import TableDays

/// The column whose value determines a row's day.
package struct TimeColumn: Sendable, Equatable {
  package let name: ColumnName
  package let kind: DaySpan.Kind
  /// What the values of an integer column count; nil for other columns, and while it is not known.
  package var unit: TimeUnit?

  package init(name: ColumnName, kind: DaySpan.Kind, unit: TimeUnit? = nil) {
    self.name = name
    self.kind = kind
    self.unit = unit
  }

  /// The column with `unit`, where it is of integers.
  package func counting(_ unit: TimeUnit?) -> TimeColumn {
    var column = self
    if kind.integers != nil { column.unit = unit }
    return column
  }

  /// The values that belong to the day of `window`.
  /// - Throws: ``JobError`` `bad_time_column` where the type of the column does not hold them.
  package func span(of window: DayWindow) throws -> DaySpan {
    if let span = DaySpan(window, kind: kind, unit: unit) { return span }
    guard let unit else {
      throw JobError(
        .badTimeColumn,
        "column \(name) holds integers, and what they count is not known; say it with `unit`, \(ErrorText(TimeUnit.form))",
        field: "unit")
    }
    throw JobError(
      .badTimeColumn,
      "column \(name) is of type \(kind.rawValue), which does not hold \(window.day) counted in \(unit.rawValue); name the right "
        + "`unit`, \(ErrorText(TimeUnit.form)), or another column", field: "unit")
  }

  /// The values of the days from `first` to `last`, both included; nil without both, and where the type does not hold them.
  /// A missing end is that of all days.
  package func span(from first: Day?, to last: Day?, in zone: TimeZone) -> DaySpan? {
    guard first != nil || last != nil, let every = everyDay else { return nil }
    let start = first.map { DaySpan(DayWindow($0, in: zone), kind: kind, unit: unit)?.start } ?? every.start
    let end = last.map { DaySpan(DayWindow($0, in: zone), kind: kind, unit: unit)?.end } ?? every.end
    return start.flatMap { start in end.map { DaySpan(kind: kind, unit: unit, start: start, end: $0) } }
  }

  /// All values that belong to a day: of the years 1583 to 9999 (``Day``), as far as an integer type holds them. Nil while
  /// the unit of integers is not known.
  package var everyDay: DaySpan? {
    guard let range = kind.integers else { return DaySpan(kind: kind, start: "1583-01-01", end: "10000-01-01") }
    guard let unit else { return nil }
    let first = unit.value(of: Date(timeIntervalSince1970: -12_212_553_600)) ?? Int.min
    let end = unit.value(of: Date(timeIntervalSince1970: 253_402_300_800)) ?? Int.max
    return DaySpan(
      kind: kind, unit: unit, start: "\(max(first, range.lowerBound))", end: "\(min(end, range.upperBound))")
  }

  /// `"c" >= start AND "c" < end`, with bounds of the column's type.
  /// - Parameter span: values of ``kind``.
  package func condition(for span: DaySpan, on connection: PostgresConnection) async throws -> String {
    let column = try await connection.quoteIdentifier(name.text)
    let start = try await connection.quoteLiteral(span.start)
    let end = try await connection.quoteLiteral(span.end)
    return "\(column) >= \(start)::\(kind.sqlType) AND \(column) < \(end)::\(kind.sqlType)"
  }

  /// Counts the values that do not lie in `span`; NULL lies in none. The server reads them as it reads the column.
  /// - Parameter values: as a CSV file has them.
  /// - Throws: ``PostgresError``, with the value in its text where one cannot be read.
  package func count(of values: [String?], outside span: DaySpan, on connection: PostgresConnection) async throws -> Int
  {
    let elements = values.map { value in
      value.map { "\"\($0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\"" } ?? "NULL"
    }
    return try await connection.query(
      "SELECT pg_catalog.count(*) AS outside FROM pg_catalog.unnest($1::\(kind.sqlType)[]) AS t "
        + "(\(try await connection.quoteIdentifier(name.text))) WHERE (\(try await condition(for: span, on: connection))) IS NOT TRUE",
      ["{\(elements.joined(separator: ","))}"]
    ).rows[0].decode("outside")
  }
}
