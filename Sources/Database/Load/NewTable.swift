import Essentials
import Foundation
package import Postgres
import Reporting
package import TableDays

/// A table that is made for the rows of an archive whose table is missing.
package struct NewTable: Sendable {
  package struct Column: Sendable {
    let name: ColumnName
    /// As `format_type` prints it. It comes from a file, so the server checks that it is the name of a type and no more.
    let type: String
    let isNotNull: Bool

    package init(name: ColumnName, type: String, isNotNull: Bool) {
      self.name = name
      self.type = type
      self.isNotNull = isNotNull
    }
  }

  /// How the rows lie in chunks, where it becomes a hypertable.
  package struct Chunks: Sendable {
    let dimension: ColumnName
    /// Microseconds for a time type, the column's own unit for an integer.
    let interval: Int
    let space: [(column: ColumnName, partitions: Int)]

    package init(dimension: ColumnName, interval: Int, space: [(column: ColumnName, partitions: Int)]) {
      self.dimension = dimension
      self.interval = interval
      self.space = space
    }
  }

  let table: TableName
  let columns: [Column]
  let chunks: Chunks?
  /// Of a scratch table: who has made it. It is unlogged, so that no publication of all tables sends its rows, and no hypertable,
  /// which cannot be that.
  let scratchComment: String?

  package init(_ table: TableName, columns: [Column], chunks: Chunks?, scratchComment: String? = nil) {
    self.table = table
    self.columns = columns
    self.chunks = scratchComment == nil ? chunks : nil
    self.scratchComment = scratchComment
  }

  static let field = "destination.create_table"

  /// Whether the table, or another relation of its name, is there.
  package static func isThere(_ table: TableName, on connection: PostgresConnection) async throws -> Bool {
    try await connection.query(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        + "WHERE n.nspname = $1 AND c.relname = $2) AS is_there", [table.schema, table.name]
    ).rows[0].decode("is_there")
  }

  /// Refuses, without changing anything, a table that cannot be made.
  /// - Throws: ``JobError`` `table_not_made`, `permission_denied`.
  package func check(on connection: PostgresConnection) async throws {
    let row = try await connection.query(
      "SELECT n.oid IS NOT NULL AS is_there, COALESCE(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false) AS may_create "
        + "FROM (SELECT) AS one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1", [table.schema]
    ).rows[0]
    guard try row.decode("is_there", as: Bool.self) else {
      throw failure("the schema \(table.schema) does not exist; create it")
    }
    guard try row.decode("may_create", as: Bool.self) else {
      throw TableFacts.denied(
        "CREATE", on: "SCHEMA \(SQL.identifier(table.schema))", try await connection.currentRole())
    }
    for column in columns { try await check(column, on: connection) }
  }

  /// Makes the table in the transaction in progress, which holds a lock against others that make it until it ends.
  /// - Returns: warnings; nil where another session has made the table meanwhile.
  /// - Throws: ``JobError`` `table_not_made`, `permission_denied`.
  package func create(on connection: PostgresConnection) async throws -> [String]? {
    try await connection.query(
      "SELECT pg_catalog.pg_advisory_xact_lock((\(TableDayLock.namespace)::pg_catalog.int8 << 48) "
        + "| (pg_catalog.hashtextextended('create_table ' || $1, 0) & 281474976710655))", ["\(table)"])
    guard try await !Self.isThere(table, on: connection) else { return nil }
    try await check(on: connection)
    var definitions: [String] = []
    for column in columns {
      definitions.append(
        "\(try await connection.quoteIdentifier(column.name.text)) \(column.type)\(column.isNotNull ? " NOT NULL" : "")"
      )
    }
    let name = try await connection.quoted(table)
    let kind = scratchComment == nil ? "TABLE" : "UNLOGGED TABLE"
    try await connection.query("CREATE \(kind) \(name) (\(definitions.joined(separator: ", ")))")
    if let scratchComment {
      try await connection.query("COMMENT ON TABLE \(name) IS \(SQL.literal(scratchComment))")
      return []
    }
    let chunksWarning = try await makeHypertable(name, on: connection)
    return [
      "the table \(table) was created from the archive's manifest, with its columns, types and NOT NULL; keys, indexes, defaults, "
        + "identity, generated columns, triggers and grants of the archived table are not in the manifest"
    ] + (chunksWarning.map { [$0] } ?? [])
  }

  /// What ``TableFacts`` would say of the table once it is made. Its types are those that ``check(on:)`` has found.
  package func facts(on connection: PostgresConnection) async throws -> TableFacts {
    let names = String(decoding: try JSONEncoder().encode(columns.map(\.type)), as: UTF8.self)
    let types = try await connection.query(SQL.baseTypes, [names]).rows
    let dimension = try await extensionSchema(on: connection) == nil ? nil : chunks?.dimension
    let facts = try zip(columns, types).map { column, type in
      TableFacts.Column(
        name: column.name, type: column.type, baseType: try type.decode("base_type"), kind: "base", isGenerated: false,
        isName: false, maySelect: true, mayInsert: true, isNotNull: column.isNotNull || column.name == dimension,
        hasDefault: try type.decode("has_default"))
    }
    return TableFacts(
      table: table, oid: 0, columns: facts, uniqueKeys: [], hasDeferrableKey: false, mayDropRows: false,
      partitionColumn: facts.contains { $0.name == dimension } ? dimension : nil)
  }

  private func failure(_ reason: String) -> JobError {
    JobError(
      .tableNotMade, "the table \(table) is missing and not made: \(reason). Nothing was loaded", field: Self.field)
  }

  /// Refuses a type that is none. The cast reads a text that is exactly the name of a type; comments are not part of one.
  private func check(_ column: Column, on connection: PostgresConnection) async throws {
    let unknown = failure(
      "the type \(JSONValue.string(column.type).brief) of the column \(column.name) is not known in this database; create it, or "
        + "leave the column out by copy.ignore")
    guard !column.type.contains("--"), !column.type.contains("/*") else { throw unknown }
    do {
      try await connection.query("SELECT $1::pg_catalog.regtype", [column.type])
    } catch PostgresError.server(let error) where error.sqlState.hasPrefix("42") || error.sqlState.hasPrefix("3F") {
      throw unknown
    }
  }

  /// The schema of timescaledb's functions, quoted; nil where the database has none.
  private func extensionSchema(on connection: PostgresConnection) async throws -> String? {
    try await connection.query(
      "SELECT pg_catalog.quote_ident(n.nspname) AS schema FROM pg_catalog.pg_extension e "
        + "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb'"
    ).rows.first?.decode("schema")
  }

  /// - Returns: a warning where it stays a plain table.
  private func makeHypertable(_ name: String, on connection: PostgresConnection) async throws -> String? {
    guard let chunks else { return nil }
    guard columns.contains(where: { $0.name == chunks.dimension }) else {
      return
        "the archived table was a hypertable by \(chunks.dimension), a column that is left out; \(table) is a plain table"
    }
    guard let schema = try await extensionSchema(on: connection) else {
      return "the archived table was a hypertable, and this database has no TimescaleDB; \(table) is a plain table"
    }
    // The form that every version has; `by_range` exists from 2.13 on.
    try await connection.query(
      "SELECT \(schema).create_hypertable($1::pg_catalog.regclass, $2::pg_catalog.name, "
        + "chunk_time_interval => $3::pg_catalog.int8)", [name, chunks.dimension.text, String(chunks.interval)])
    for space in chunks.space where columns.contains(where: { $0.name == space.column }) {
      try await connection.query(
        "SELECT \(schema).add_dimension($1::pg_catalog.regclass, $2::pg_catalog.name, number_partitions => $3::pg_catalog.int4)",
        [name, space.column.text, String(space.partitions)])
    }
    return nil
  }
}
