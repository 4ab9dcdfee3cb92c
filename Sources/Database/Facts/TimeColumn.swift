package import Postgres
package import TableDays

/// The column whose value determines a row's day.
package struct TimeColumn: Sendable, Equatable {
  package let name: ColumnName
  package let kind: DaySpan.Kind

  package init(name: ColumnName, kind: DaySpan.Kind) {
    self.name = name
    self.kind = kind
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
