import Essentials
package import Postgres
import Reporting
package import TableDays

/// How the columns of a file map to a table.
package struct LoadPlan: Sendable, Equatable {
  /// The columns of the file, in its order: the column list of the COPY.
  package let fileColumns: [ColumnName]
  /// The columns of the file that are loaded into the table.
  package let loadedColumns: [ColumnName]
  /// The file has columns that COPY cannot fill, so the load needs a staging table.
  package let needsStaging: Bool
  /// Warnings for the job's report.
  package let warnings: [String]

  /// Matches the file's columns with the table's.
  /// - Throws: ``JobError`` `bad_header`, `unknown_columns`, `permission_denied`.
  package init(
    fileColumns: [ColumnName], facts: TableFacts, columnsMissing: LoadPolicy.ColumnsMissing, role: String
  ) throws {
    let known = Dictionary(facts.columns.map { ($0.name, $0) }) { first, _ in first }
    let loaded = fileColumns.filter { known[$0]?.isGenerated == false }
    // This error repeats nothing of the file: without a header, its first line is a row.
    guard fileColumns.contains(where: { known[$0] != nil }) else {
      throw JobError(
        .badHeader,
        "none of the \(fileColumns.count) fields of the file's first line is a column of \(facts.table); name the "
          + "table it belongs to as \(field: "destination.target_table"), or, for a file without a header, pass "
          + "\(field: "copy.csv_options.HEADER") false and \(field: "copy.columns")",
        details: ["fields": .integer(fileColumns.count)])
    }
    try Self.refuseTwice(fileColumns, known)
    let unknown = fileColumns.filter { known[$0] == nil }
    let generated = fileColumns.filter { known[$0]?.isGenerated == true }
    let list = unknown.map { JSONValue.string($0.text).brief }.joined(separator: ", ")
    guard unknown.isEmpty || columnsMissing == .ignore else {
      throw JobError(
        .unknownColumns,
        "\(facts.table) lacks columns that the file has: \(list); add them, or pass "
          + "\(field: "destination.columns_missing") \"ignore\" to leave them out",
        details: ["columns": .array(unknown.map { .string($0.text) })])
    }
    guard !loaded.isEmpty else {
      throw JobError(
        .unknownColumns,
        "the file has no column that can be loaded into \(facts.table); name the table it belongs to as "
          + "\(field: "destination.target_table")", details: ["columns": .array(unknown.map { .string($0.text) })])
    }
    if let column = loaded.first(where: { known[$0]?.mayInsert == false }) {
      throw TableFacts.denied("INSERT (\(column))", on: "\(facts.table)", role)
    }
    self.fileColumns = fileColumns
    loadedColumns = loaded
    needsStaging = !unknown.isEmpty || !generated.isEmpty
    warnings =
      (unknown.isEmpty ? [] : ["the load left out columns that the table lacks: \(list)"])
      + (generated.isEmpty
        ? []
        : [
          "the table computes these columns, so the file's values were not loaded: "
            + generated.map(\.text).joined(separator: ", ")
        ])
  }

  private static func refuseTwice(_ columns: [ColumnName], _ known: [ColumnName: TableFacts.Column]) throws {
    var places: [ColumnName: Int] = [:]
    for (index, name) in columns.enumerated() {
      guard let first = places.updateValue(index, forKey: name) else { continue }
      let what = known[name] == nil ? "" : " \(JSONValue.string(name.text).brief)"
      throw JobError(
        .badHeader,
        "the file has the column\(what) twice, at positions \(first + 1) and \(index + 1); give each of its columns "
          + "another name as \(field: "copy.columns")")
    }
  }

  /// The COPY of the file's columns into `table`.
  /// - Parameter options: the parenthesis of `WITH (…)`.
  package func copyStatement(
    into table: TableName, options: String, on connection: PostgresConnection
  ) async throws -> String {
    let name = try await connection.quoted(table)
    let columns = try await connection.quoted(fileColumns)
    return "COPY \(name) (\(columns)) FROM STDIN WITH (\(options))"
  }
}
