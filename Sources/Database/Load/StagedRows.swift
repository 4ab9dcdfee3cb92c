import Essentials
package import Postgres
import Reporting
import TableDays

/// The rows of a file in the staging table, before they are inserted into the target.
package struct StagedRows: Sendable {
  /// The number of rows.
  package let count: Int
  /// What they are selected from: the staging table's name, quoted, and a condition where a part of its rows is loaded.
  let table: String
  /// The SQL of the values that the target's columns get.
  let values: [ColumnName: String]

  /// The error for a file without the column that tells a part of its rows.
  static func noTime(of part: ExistingRows) -> JobError {
    JobError(
      .badTimeColumn,
      "the file has no column \(part.timeColumn.name), by which a part of its rows could be told; nothing was loaded",
      field: "where")
  }

  /// The error for a file without the column by which its rows are compared with those that they replace.
  static func noTime(toReplace rows: ExistingRows) -> JobError {
    JobError(
      .badTimeColumn,
      "the file has no column \(rows.timeColumn.name), so that its rows cannot be compared with the rows of \(rows.table) "
        + "that they would replace; nothing was changed. Pass \"append\" to load them beside",
      field: "destination.on_existing")
  }

  /// Those whose time lies in `part`; rows without a time do not.
  /// - Throws: ``JobError`` `bad_time_column`.
  func matching(_ part: ExistingRows, on connection: PostgresConnection) async throws -> StagedRows {
    guard let value = values[part.timeColumn.name] else { throw Self.noTime(of: part) }
    let start = try await connection.quoteLiteral(part.span.start)
    let end = try await connection.quoteLiteral(part.span.end)
    let type = part.span.kind.sqlType
    let selected = "\(table) WHERE (\(value)) >= \(start)::\(type) AND (\(value)) < \(end)::\(type)"
    let count: Int = try await connection.queryRows("SELECT pg_catalog.count(*) AS n FROM \(selected)").rows[0]
      .decode("n")
    return StagedRows(count: count, table: selected, values: values)
  }

  /// Refuses rows that lie outside the span which a replacement deletes: they would be loaded beside rows of other days,
  /// which stay.
  /// - Throws: ``JobError`` `rows_outside_span`, `bad_time_column`.
  package func refuseOutside(_ rows: ExistingRows, on connection: PostgresConnection) async throws {
    guard let value = values[rows.timeColumn.name] else { throw Self.noTime(toReplace: rows) }
    let start = try await connection.quoteLiteral(rows.span.start)
    let end = try await connection.quoteLiteral(rows.span.end)
    let type = rows.span.kind.sqlType
    let row = try await connection.queryRows(
      "SELECT pg_catalog.count(*) FILTER (WHERE NOT (v >= \(start)::\(type) AND v < \(end)::\(type))) AS outside, "
        + "pg_catalog.count(*) FILTER (WHERE v IS NULL) AS timeless FROM (SELECT \(value) AS v FROM \(table)) AS staged"
    ).rows[0]
    let outside: Int = try row.decode("outside")
    let timeless: Int = try row.decode("timeless")
    guard outside + timeless > 0 else { return }
    var details: [String: JSONValue] = ["file_rows": .integer(count), "outside_rows": .integer(outside)]
    details["rows_without_time"] = .integer(timeless)
    throw JobError(
      .rowsOutsideSpan,
      "the archive has no manifest that says its span, and of the file's \(count) rows \(outside) lie outside the rows that would "
        + "be replaced (\(rows.timeColumn.name) from \(rows.span.start) to \(rows.span.end), without the end) and \(timeless) have "
        + "no time; nothing was changed. Set BACKUP_TIMEZONE to the zone of the archive's days, or pass \"append\" and delete "
        + "the old rows yourself",
      field: "destination.on_existing",
      details: details)
  }
}
