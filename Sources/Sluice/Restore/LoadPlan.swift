import Postgres

/// How the columns of a file go into a table.
struct LoadPlan: Sendable, Equatable {
  /// Columns of the file, in its order: the list of the COPY.
  let fileColumns: [String]
  /// Those of them that the table takes.
  let loadedColumns: [String]
  /// The rows cannot be copied straight into the table: the file has columns that COPY may not fill.
  let needsStaging: Bool
  /// What the caller should know.
  let warnings: [String]

  /// Fits the file's columns to the table's.
  /// - Throws: ``JobError`` `bad_header`, `unknown_columns`, `permission_denied`.
  init(
    fileColumns: [String], facts: TableFacts, columnsMissing: RestoreRequest.ColumnsMissing, role: String
  ) throws {
    var seen: Set<String> = []
    if let twice = fileColumns.first(where: { !seen.insert($0).inserted }) {
      throw JobError(
        .unprocessable, code: "bad_header", "the file's header has the column \(JSONValue.string(twice).brief) twice")
    }
    let known = Dictionary(uniqueKeysWithValues: facts.columns.map { ($0.name, $0) })
    let unknown = fileColumns.filter { known[$0] == nil }
    let generated = fileColumns.filter { known[$0]?.isGenerated == true }
    let list = unknown.map { JSONValue.string($0).brief }.joined(separator: ", ")
    guard unknown.isEmpty || columnsMissing == .ignore else {
      throw JobError(
        .unprocessable, code: "unknown_columns",
        "\(facts.table) lacks columns that the file has: \(list); add them, or pass destination.columns_missing \"ignore\" "
          + "to leave them out", details: ["columns": .array(unknown.map { .string($0) })])
    }
    let loaded = fileColumns.filter { known[$0]?.isGenerated == false }
    guard !loaded.isEmpty else {
      throw JobError(
        .unprocessable, code: "unknown_columns",
        "the file has no column of \(facts.table); name the table it belongs to as destination.target_table",
        details: ["columns": .array(unknown.map { .string($0) })])
    }
    if let column = loaded.first(where: { known[$0]?.mayInsert == false }) {
      throw TableFacts.denied("INSERT (\(column))", on: "\(facts.table)", role)
    }
    self.fileColumns = fileColumns
    loadedColumns = loaded
    needsStaging = !unknown.isEmpty || !generated.isEmpty
    warnings =
      (unknown.isEmpty ? [] : ["left out, as the table has no such columns: \(list)"])
      + (generated.isEmpty
        ? [] : ["computed anew by the table, not taken from the file: \(generated.joined(separator: ", "))"])
  }

  /// The COPY that takes the file's columns into `table`.
  func copyStatement(
    into table: TableName, options: CSVOptions, on connection: PostgresConnection
  ) async throws -> String {
    let name = try await connection.quoted(table)
    let columns = try await connection.quoted(fileColumns)
    return "COPY \(name) (\(columns)) FROM STDIN WITH (\(try await options.sql(on: connection)))"
  }
}
