package import Postgres
package import TableDays

/// A privilege on a table that a job needs.
package struct TableNeed: Sendable, Hashable {
  /// The privilege that stands for being the owner, or inheriting the owner's rights.
  package static let owner = "OWNER"
  /// The privilege of VACUUM, ANALYZE and REINDEX; before PostgreSQL 17 it is the owner's.
  package static let maintain = "MAINTAIN"

  package let table: TableName
  /// `SELECT`, `INSERT`, `DELETE`, or ``owner``.
  package let privilege: String
  /// A right on this column, or on any other, is enough; nil needs it on the table.
  package let column: ColumnName?
  /// Who needs it, in words: `the maintenance task old-clicks`.
  package let job: String
  /// It is needed on each partition and inheriting table too, which the job names. A hypertable's chunks have its rights.
  package let ofParts: Bool

  package init(
    _ table: TableName, _ privilege: String, column: ColumnName? = nil, job: String, ofParts: Bool = false
  ) {
    self.table = table
    self.column = column
    self.privilege = privilege
    self.job = job
    self.ofParts = ofParts
  }

  /// The needs, with those of partitions.
  private static func withParts(_ needs: [TableNeed], on connection: PostgresConnection) async throws -> [TableNeed] {
    var parts: [TableName: [TableName]] = [:]
    for table in Set(needs.filter(\.ofParts).map(\.table)) {
      let family = try await TableFamily.read(table, on: connection)
      parts[table] = family.below.filter { $0 != table && $0.schema != "_timescaledb_internal" }
    }
    return needs.flatMap { need in
      [need]
        + (need.ofParts ? parts[need.table] ?? [] : []).map {
          TableNeed($0, need.privilege, column: need.column, job: need.job)
        }
    }
  }

  /// What is missing, with the statement that gives it.
  package struct Lack: Sendable, Equatable {
    package let words: String
    /// Empty where no statement should give it: the owner is a superuser, or may make roles.
    package let statement: String
    package let job: String
  }

  /// What `role` lacks of `needs`; tables that are not there are passed over.
  package static func lacking(
    _ all: [TableNeed], role: String, on connection: PostgresConnection
  ) async throws -> [Lack] {
    guard !all.isEmpty else { return [] }
    let needs = try await withParts(all, on: connection)
    let rows = try await connection.query(
      SetupTemplate.fill(
        SQL.tableNeeds,
        [
          "role": SQL.literal(role), "schemas": SQL.literal(needs.map(\.table.schema)),
          "names": SQL.literal(needs.map(\.table.name)), "privileges": SQL.literal(needs.map(\.privilege)),
          "columns": SQL.literal(needs.map { $0.column?.text ?? "" }),
        ])
    ).rows
    var lacks: [Lack] = []
    for (need, row) in zip(needs, rows) where try row.decode("is_there") {
      if try row.decode("lacks_schema") {
        lacks.append(
          Lack(
            words: "USAGE on schema \(SQL.identifier(need.table.schema))",
            statement: try row.decode("schema_statement"),
            job: need.job))
      }
      guard try !row.decode("is_given") else { continue }
      lacks.append(
        Lack(
          words: need.privilege == owner || need.privilege == maintain
            ? "ownership of table \(SQL.name(need.table))" : "\(need.privilege) on table \(SQL.name(need.table))",
          statement: try row.decode("statement"), job: need.job))
    }
    return lacks
  }
}

/// A column of a table.
package struct TableColumn: Sendable, Hashable {
  package let table: TableName
  package let column: String

  package init(_ table: TableName, _ column: String) {
    (self.table, self.column) = (table, column)
  }

  /// Those of `columns` that are not in their table; tables that are not there are passed over.
  package static func missing(_ columns: [TableColumn], on connection: PostgresConnection) async throws -> [TableColumn]
  {
    var missing: [TableColumn] = []
    for column in columns {
      let row = try await connection.query(
        """
        SELECT count(*) > 0 AS is_missing
        FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
        WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attname = $3 AND a.attnum > 0 AND NOT a.attisdropped)
        """, [column.table.schema, column.table.name, column.column]
      ).rows[0]
      if try row.decode("is_missing") { missing.append(column) }
    }
    return missing
  }
}

/// Whether a table is there, and all of its rows can be seen.
package struct TableVisibility: Sendable {
  package let table: TableName
  package let isThere: Bool
  /// Row-level security applies to the role.
  package let hidesRows: Bool

  package static func read(
    _ tables: [TableName], role: String, on connection: PostgresConnection
  ) async throws -> [TableVisibility] {
    let rows = try await connection.query(
      SetupTemplate.fill(
        SQL.tableVisibility,
        [
          "role": SQL.literal(role), "schemas": SQL.literal(tables.map(\.schema)),
          "names": SQL.literal(tables.map(\.name)),
        ])
    ).rows
    return try zip(tables, rows).map { table, row in
      TableVisibility(table: table, isThere: try row.decode("is_there"), hidesRows: try row.decode("hides_rows"))
    }
  }
}
