package import Postgres
import Reporting
package import TableDays

/// The rows of a day that a table holds before a load.
package struct ExistingRows: Sendable, Equatable {
  package let table: TableName
  /// The values of ``timeColumn`` that are looked for.
  package let span: DaySpan
  package let timeColumn: TimeColumn

  package init(of span: DaySpan, in table: TableName, by timeColumn: TimeColumn) {
    self.table = table
    self.span = span
    self.timeColumn = timeColumn
  }

  /// Deletes the rows.
  /// - Returns: the number of deleted rows.
  package func delete(on connection: PostgresConnection) async throws -> Int {
    let (name, condition) = try await words(on: connection)
    return try await connection.queryRows("DELETE FROM \(name) WHERE \(condition)").affectedRows
  }

  package func count(on connection: PostgresConnection) async throws -> Int {
    let (name, condition) = try await words(on: connection)
    return try await connection.queryRows("SELECT pg_catalog.count(*) AS n FROM \(name) WHERE \(condition)")
      .rows[0].decode("n")
  }

  private func words(on connection: PostgresConnection) async throws -> (name: String, condition: String) {
    (try await connection.quoted(table), try await timeColumn.condition(for: span, on: connection))
  }
}
