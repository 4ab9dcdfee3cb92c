import Essentials
package import Postgres
import Reporting
package import TableDays

/// How the columns of a file map to a table.
package struct LoadPlan: Sendable, Equatable {
  /// A column of the file that is loaded.
  struct Loaded: Sendable, Equatable {
    let file: ColumnName
    let table: ColumnName
    /// The type in which the values are staged before they are cast, as SQL; nil reads them as the table's type.
    let castFrom: String?
  }

  /// The columns of the file, in its order: those of the staging table.
  package let fileColumns: [ColumnName]
  /// The columns of the file that are loaded, in its order.
  let loaded: [Loaded]
  /// The values of columns that the file lacks, for all rows.
  package let defaults: [ColumnMapping.Default]
  /// The file has columns that COPY cannot fill as they are, so the load needs a staging table.
  package let needsStaging: Bool
  /// Warnings for the job's report.
  package let warnings: [String]

  /// The table's columns that are loaded from the file, in the order of the file.
  package var loadedColumns: [ColumnName] { loaded.map(\.table) }
  /// The table's columns that the load fills: from the file, and with the request's defaults.
  package var filledColumns: [ColumnName] { loadedColumns + defaults.map(\.column) }

  /// Matches the file's columns with the table's, by their names.
  /// - Throws: as ``init(_:facts:columnsMissing:role:)``.
  package init(
    fileColumns: [ColumnName], facts: TableFacts, columnsMissing: LoadPolicy.ColumnsMissing, role: String
  ) throws {
    try self.init(
      ColumnDrift(fileColumns: fileColumns, facts: facts), facts: facts, columnsMissing: columnsMissing, role: role)
  }

  /// - Throws: ``JobError`` `bad_header`, `bad_field`, `unknown_columns`, `no_cast`, `missing_columns`, `permission_denied`.
  package init(
    _ drift: ColumnDrift, facts: TableFacts, columnsMissing: LoadPolicy.ColumnsMissing, role: String
  ) throws {
    try Self.refuseForeign(drift, facts)
    let mayLeaveOut = columnsMissing == .ignore
    try drift.refuseTwice()
    try drift.refuseMapping(facts)
    let unknown = drift.unknown.map(\.name)
    let list = Self.list(unknown)
    guard unknown.isEmpty || mayLeaveOut else {
      throw JobError(
        .unknownColumns,
        "\(facts.table) lacks columns that the file has: \(list); add them, name the table's as \(field: "copy.map"), or pass "
          + "\(field: "destination.columns_missing") \"ignore\" to leave them out",
        details: ["columns": .array(unknown.map { .string($0.text) })])
    }
    loaded = drift.columns.filter { $0.fate == .loaded }.compactMap { column in
      column.target.map { Loaded(file: column.name, table: $0, castFrom: column.castFrom) }
    }
    guard !loaded.isEmpty else {
      throw JobError(
        .unknownColumns,
        "the file has no column that can be loaded into \(facts.table); name the table it belongs to as "
          + "\(field: "destination.target_table")", details: ["columns": .array(unknown.map { .string($0.text) })])
    }
    try drift.refuseTypes(facts)
    defaults = drift.mapping.defaults
    if let column = (loaded.map(\.table) + defaults.map(\.column)).first(where: { facts.column($0)?.mayInsert == false }
    ) {
      throw TableFacts.denied("INSERT (\(SQL.identifier(column.text)))", on: SQL.name(facts.table), role)
    }
    fileColumns = drift.columns.map(\.name)
    needsStaging =
      loaded.count < fileColumns.count || !defaults.isEmpty || loaded.contains { $0.castFrom != nil }
    warnings = drift.warnings
  }

  /// This error repeats nothing of the file: without a header, its first line is a row.
  private static func refuseForeign(_ drift: ColumnDrift, _ facts: TableFacts) throws {
    guard !drift.columns.contains(where: { $0.target != nil }) else { return }
    let count = drift.columns.count
    let none: ErrorText = "none of the \(count) fields of the file's first line is a column of \(facts.table)"
    let own = facts.columns.filter { !$0.isGenerated }.map(\.name)
    let order = own.count == count ? "; the table's, in order, are \(list(own))" : ""
    throw JobError(
      .badHeader,
      drift.columns.contains { looksLikeValue($0.name.text) }
        ? none + "; they look like values, so that the file seems to have no header. Pass "
          + "\(field: "copy.csv_options.HEADER")=false, and each column of the file, in order, as "
          + "\(field: "copy.columns")\(order)"
        : none
          + "; name the table it belongs to as \(field: "destination.target_table"), or, for a file without a header, pass "
          + "\(field: "copy.csv_options.HEADER")=false and \(field: "copy.columns")",
      details: ["fields": .integer(count)])
  }

  /// Whether a field of the first line is rather a value than a column's name: it is empty, begins with a digit, a sign or a
  /// bracket, or is a truth value.
  private static func looksLikeValue(_ field: String) -> Bool {
    guard let first = field.utf8.first else { return true }
    return UInt8(ascii: "0")...UInt8(ascii: "9") ~= first || "+-{[(".utf8.contains(first)
      || ["t", "f", "true", "false", "null", "\\N"].contains(field)
  }

  static func list(_ names: [ColumnName]) -> String {
    names.map { JSONValue.string($0.text).brief }.joined(separator: ", ")
  }

  /// The names that COPY's column list has for the file's columns: the table's, or the file's own in a staging table.
  package func copyColumns(staged: Bool) -> [ColumnName] { staged ? fileColumns : loadedColumns }

  /// Those columns with the types as which the server reads their values.
  package func copyTypes(staged: Bool, _ facts: TableFacts) -> [String: String] {
    let types = loaded.map {
      ((staged ? $0.file : $0.table).text, $0.castFrom ?? facts.column($0.table)?.type ?? "text")
    }
    return Dictionary(types) { first, _ in first }
  }

  /// The COPY of the file's columns into `table`.
  /// - Parameters:
  ///   - staged: `table` is a staging table.
  ///   - options: the parenthesis of `WITH (…)`.
  package func copyStatement(
    into table: TableName, staged: Bool = false, options: String, on connection: PostgresConnection
  ) async throws -> String {
    let name = try await connection.quoted(table)
    let columns = try await connection.quoted(copyColumns(staged: staged))
    return "COPY \(name) (\(columns)) FROM STDIN WITH (\(options))"
  }
}
