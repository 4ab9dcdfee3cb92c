import Foundation
import Postgres

/// What the catalog says of a table: which columns travel, and by which a day is cut.
struct TableFacts: Sendable {
  struct Column: Sendable, Equatable {
    let name: String
    /// As `format_type` prints it, a domain by its own name.
    let type: String
    /// The type that a domain rests on; else the type.
    let baseType: String
    let isGenerated: Bool
    let maySelect: Bool
    let mayInsert: Bool
  }

  let table: TableName
  let columns: [Column]
  /// The columns of each unique index that tells all rows apart.
  let uniqueKeys: [[String]]
  /// It has a unique constraint that is checked at the end of the transaction.
  let hasDeferrableKey: Bool
  /// The single column of a table partitioned by range.
  let partitionColumn: String?

  /// Columns that COPY can carry both ways: generated ones are computed anew by the table.
  var storedColumns: [Column] { columns.filter { !$0.isGenerated } }

  enum Access {
    case read
    case write
  }

  /// Reads the facts, and refuses what is not a table, is not there, or may not be touched.
  /// - Throws: ``JobError`` `table_not_found`, `not_a_table`, `permission_denied`.
  static func read(_ table: TableName, for access: Access, on connection: PostgresConnection) async throws -> TableFacts
  {
    let found = try await connection.query(SQL.tableFacts, [table.schema, table.name]).rows.first
    guard let found else {
      throw JobError(
        .notFound, code: "table_not_found",
        "there is no table \(table) in database \(connection.target.database); names are looked up exactly as written, "
          + "upper and lower case included", field: "table")
    }
    let kind: String = try found.decode("kind")
    if let other = kindNames[kind] {
      throw JobError(
        .unprocessable, code: "not_a_table",
        "\(table) is \(other), not a table; name the table it draws from", field: "table")
    }
    let user = connection.target.user
    guard try found.decode("may_use_schema", as: Bool.self) else {
      throw denied("USAGE", on: "SCHEMA \(table.schema)", user)
    }
    let columns = try await connection.query(SQL.tableColumns, [String(found.decode("oid", as: Int.self))]).rows.map {
      Column(
        name: try $0.decode("name"), type: try $0.decode("type"), baseType: try $0.decode("base_type"),
        isGenerated: try $0.decode("is_generated"), maySelect: try $0.decode("may_select"),
        mayInsert: try $0.decode("may_insert"))
    }
    let facts = TableFacts(
      table: table, columns: columns, uniqueKeys: try uniqueKeys(found.decode("unique_keys")),
      hasDeferrableKey: try found.decode("has_deferrable_key"),
      partitionColumn: try found.decodeIfPresent("partition_column"))
    switch access {
    case .read:
      guard try found.decode("may_select", as: Bool.self) else { throw denied("SELECT", on: "\(table)", user) }
      if let column = facts.storedColumns.first(where: { !$0.maySelect }) {
        throw denied("SELECT (\(column.name))", on: "\(table)", user)
      }
    case .write:
      guard try found.decode("may_insert", as: Bool.self) else { throw denied("INSERT", on: "\(table)", user) }
    }
    return facts
  }

  /// A right that is not granted, with the statement that grants it.
  static func denied(_ right: String, on object: String, _ user: String) -> JobError {
    JobError(
      .forbidden, code: "permission_denied",
      "the role \(user) lacks \(right) on \(object); grant it: GRANT \(right) ON \(object) TO \(user)")
  }

  /// Relations that are no tables (PostgreSQL, `pg_class.relkind`). Tables are `r` and `p`; a foreign table reads like one.
  private static let kindNames = [
    "v": "a view", "m": "a materialized view", "i": "an index", "I": "an index", "S": "a sequence",
    "c": "a composite type", "t": "a TOAST table",
  ]

  private static func uniqueKeys(_ json: String) throws -> [[String]] {
    try JSONDecoder().decode([[String]].self, from: Data(json.utf8))
  }

  /// Whether rows that come with `loaded` columns are recognised when they are in the table already. A key whose column
  /// is filled in by its default is new for each row, and stops nothing.
  func recognisesRows(of loaded: [String]) -> Bool {
    uniqueKeys.contains { $0.allSatisfy(loaded.contains) }
  }

  /// The column that tells a row's day: the one asked for, or the column the table is partitioned by.
  /// - Parameters:
  ///   - remedy: what else the caller of this job can do.
  ///   - field: the request's field that the remedy is about.
  /// - Throws: ``JobError`` `no_time_column`, `bad_time_column`.
  func timeColumn(named name: String?, remedy: String, field: String = "time_column") throws -> TimeColumn {
    let candidates = columns.filter { TimeColumn.Kind(baseType: $0.baseType) != nil }.map(\.name)
    let choices =
      candidates.isEmpty
      ? "the table has no column of type timestamptz, timestamp or date"
      : "columns that can serve: \(candidates.joined(separator: ", "))"
    guard let name = name ?? partitionColumn else {
      throw JobError(
        .unprocessable, code: "no_time_column",
        "\(table) has no known time column; name it as \(table):column in BACKUP_TABLES, or \(remedy) (\(choices))",
        field: field)
    }
    guard let column = columns.first(where: { $0.name == name }) else {
      throw JobError(
        .unprocessable, code: "bad_time_column", "\(table) has no column \(name) (\(choices))", field: field)
    }
    guard let kind = TimeColumn.Kind(baseType: column.baseType) else {
      throw JobError(
        .unprocessable, code: "bad_time_column",
        "column \(name) of \(table) is of type \(column.type), which has no days (\(choices))", field: field)
    }
    return TimeColumn(name: name, kind: kind)
  }
}
