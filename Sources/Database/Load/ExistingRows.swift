package import Postgres
import Reporting
package import TableDays

/// The rows of a day that a table holds before a load.
package struct ExistingRows: Sendable, Equatable {
  package let table: TableName
  /// The values of ``timeColumn`` that are looked for.
  package let span: DaySpan
  package let timeColumn: TimeColumn
  /// The hypertable that ``table`` is.
  let hypertable: Hypertable?
  /// Leaves out rows of tables that inherit from ``table``; for a plain table only.
  var isOnly = false

  package init(of span: DaySpan, in table: TableName, hypertable: Hypertable? = nil, by timeColumn: TimeColumn) {
    self.table = table
    self.hypertable = hypertable
    self.span = span
    self.timeColumn = timeColumn
  }

  /// Deletes the rows.
  /// - Returns: the number of deleted rows.
  /// - Parameter chunks: the chunks that hold them, none compressed. A DELETE from a hypertable locks all its chunks, so that two
  ///   loads, each with a chunk that it has decompressed, would wait for one another; one from a chunk locks that alone.
  package func delete(from chunks: [TableName]? = nil, on connection: PostgresConnection) async throws -> Int {
    let (name, condition) = try await words(on: connection)
    guard let chunks else {
      return try await connection.queryRows("DELETE FROM \(name) WHERE \(condition)").affectedRows
    }
    var count = 0
    for chunk in chunks {
      count += try await connection.queryRows(
        "DELETE FROM \(try await connection.quoted(chunk)) WHERE \(condition)"
      ).affectedRows
    }
    return count
  }

  /// Whether the table holds any row.
  package static func any(in table: TableName, on connection: PostgresConnection) async throws -> Bool {
    try await connection.queryRows("SELECT EXISTS (SELECT FROM \(try await connection.quoted(table))) AS found")
      .rows[0].decode("found")
  }

  package func count(on connection: PostgresConnection) async throws -> Int {
    let (name, condition) = try await words(on: connection)
    return try await select("SELECT pg_catalog.count(*) AS n FROM \(name) WHERE \(condition)", on: connection)
      .rows[0].decode("n")
  }

  /// The columns of `names` that have a value in any of the rows.
  func columns(withValues names: [ColumnName], on connection: PostgresConnection) async throws -> [ColumnName] {
    guard !names.isEmpty else { return [] }
    let (name, condition) = try await words(on: connection)
    var found: [String] = []
    for (number, column) in names.enumerated() {
      let quoted = try await connection.quoteIdentifier(column.text)
      found.append("pg_catalog.bool_or(NOT (\(quoted) IS NULL)) AS c\(number)")
    }
    let list = found.joined(separator: ", ")
    let row = try await select("SELECT \(list) FROM \(name) WHERE \(condition)", on: connection).rows[0]
    return try names.enumerated().filter { try row.decodeIfPresent("c\($0.offset)") ?? false }.map(\.element)
  }

  /// Whether the table holds any.
  package func exist(on connection: PostgresConnection) async throws -> Bool {
    let (name, condition) = try await words(on: connection)
    return try await select("SELECT EXISTS (SELECT FROM \(name) WHERE \(condition)) AS found", on: connection)
      .rows[0].decode("found")
  }

  /// The tables that hold them other than the one with `oid`: those that inherit from it.
  func tables(besides oid: Int, on connection: PostgresConnection) async throws -> [String] {
    let (name, condition) = try await words(on: connection)
    return try await select(
      "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS held_by FROM (SELECT DISTINCT tableoid AS oid FROM \(name) "
        + "WHERE (\(condition)) AND tableoid <> \(oid)::pg_catalog.oid) AS held "
        + "JOIN pg_catalog.pg_class c ON c.oid = held.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY 1",
      on: connection
    ).rows.map { try $0.decode("held_by") }
  }

  /// The OIDs of the relations that hold them: the table itself, chunks or partitions.
  func relations(on connection: PostgresConnection) async throws -> Set<Int> {
    let (name, condition) = try await words(on: connection)
    let rows = try await select(
      "SELECT DISTINCT tableoid::pg_catalog.int8 AS oid FROM \(name) WHERE \(condition)", on: connection
    ).rows
    return Set(try rows.map { try $0.decode("oid") })
  }

  /// Reads rows of the table, none of which the server misses.
  private func select(_ statement: String, on connection: PostgresConnection) async throws -> PostgresResult {
    try await ChunkVersions.steady(hypertable, of: span, by: timeColumn, on: connection) {
      try await connection.queryRows(statement)
    }
  }

  private func words(on connection: PostgresConnection) async throws -> (name: String, condition: String) {
    let name = try await connection.quoted(table)
    return (isOnly ? "ONLY \(name)" : name, try await timeColumn.condition(for: span, on: connection))
  }
}
