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

  /// `"c" >= start AND "c" < end`, with bounds of the column's type.
  /// - Parameter span: values of ``kind``.
  package func condition(for span: DaySpan, on connection: PostgresConnection) async throws -> String {
    let column = try await connection.quoteIdentifier(name.text)
    let start = try await connection.quoteLiteral(span.start)
    let end = try await connection.quoteLiteral(span.end)
    return "\(column) >= \(start)::\(kind.sqlType) AND \(column) < \(end)::\(kind.sqlType)"
  }
}
