import Essentials
package import Foundation
package import Postgres
import Reporting
package import TableDays

/// The schema `sluice_drill`, in which drills put the tables that they restore into: `drill_` and the 32 hexadecimal digits of the
/// operation's id. It belongs to the drills: what has such a name in it is dropped by a later one.
package enum ScratchSchema {
  package static let name = "sluice_drill"
  private static let prefix = "drill_"
  /// Tells a schema that a drill has made, and removes again, from one that the setup has made.
  private static let mark = "made by sluice drill, and dropped by it when it is empty"
  /// How long a table that another session reads is waited for.
  private static let patience = "10s"

  /// The scratch table of an operation.
  package static func table(ofOperation id: UUID) -> TableName {
    TableName(schema: name, name: prefix + id.uuidString.asciiLowercased().replacing("-", with: ""))
  }

  /// The operation of a scratch table; nil for another table.
  package static func operation(of table: TableName) -> UUID? {
    guard table.schema == name, table.name.hasPrefix(prefix) else { return nil }
    let digits = Array(table.name.dropFirst(prefix.count))
    guard digits.count == 32, digits.allSatisfy({ $0.isHexDigit && !$0.isUppercase }) else { return nil }
    let bounds = [0, 8, 12, 16, 20, 32]
    return UUID(uuidString: zip(bounds, bounds.dropFirst()).map { String(digits[$0..<$1]) }.joined(separator: "-"))
  }

  /// Whether the schema is there, and what the role may do.
  private struct State {
    let isThere: Bool
    let mayCreateSchema: Bool
    let mayCreateTable: Bool

    init(on connection: PostgresConnection) async throws {
      let row = try await connection.query(
        "SELECT n.oid IS NOT NULL AS is_there, COALESCE(pg_catalog.has_schema_privilege(n.oid, 'CREATE') "
          + "AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false) AS may_create_table, "
          + "pg_catalog.has_database_privilege(d.oid, 'CREATE') AS may_create_schema "
          + "FROM pg_catalog.pg_database d LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1 "
          + "WHERE d.datname = pg_catalog.current_database()", [name]
      ).rows[0]
      isThere = try row.decode("is_there")
      mayCreateTable = try row.decode("may_create_table")
      mayCreateSchema = try row.decode("may_create_schema")
    }
  }

  /// Makes the schema where it is missing.
  /// - Throws: ``JobError`` `permission_denied`.
  package static func prepare(on connection: PostgresConnection) async throws {
    let state = try await State(on: connection)
    guard !state.isThere else {
      guard state.mayCreateTable else { throw try await denied("CREATE and USAGE on the schema \(name)", connection) }
      return
    }
    guard state.mayCreateSchema else {
      throw try await denied("the schema \(name), or CREATE on the database, to make it", connection)
    }
    do {
      try await connection.withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED") {
        try await $0.query("CREATE SCHEMA \(name)")
        try await $0.query("COMMENT ON SCHEMA \(name) IS \(SQL.literal(mark))")
      }
    } catch PostgresError.server(let error) where ["42P06", "23505"].contains(error.sqlState) {
      // Another drill was first.
    }
  }

  private static func denied(_ what: ErrorText, _ connection: PostgresConnection) async throws -> JobError {
    JobError(
      .permissionDenied,
      "the role \(try await connection.currentRole()) lacks \(what), into which a drill restores; an administrator gives it with "
        + "sluice setup apply --part drill. Nothing was restored")
  }

  /// What a scratch table's comment says: the lake whose operation it belongs to, since several lakes may have archives of one database.
  package static func comment(lake: String) -> String { commentStart + lake }

  private static let commentStart = "scratch table of sluice drill, of the lake "

  /// A scratch table that is there.
  package struct Found: Sendable {
    package let table: TableName
    /// The lake in its comment.
    package let lake: String
    /// This role may drop it.
    package let isOwn: Bool
  }

  /// The tables that drills have made: by their names and comments.
  package static func tables(on connection: PostgresConnection) async throws -> [Found] {
    let rows = try await connection.query(
      "SELECT c.relname::pg_catalog.text AS name, pg_catalog.obj_description(c.oid, 'pg_class') AS comment, "
        + "pg_catalog.pg_has_role(c.relowner, 'USAGE') AS is_own "
        + "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        + "WHERE n.nspname = $1 AND c.relkind = 'r' AND pg_catalog.obj_description(c.oid, 'pg_class') IS NOT NULL "
        + "ORDER BY c.relname", [name]
    ).rows
    return try rows.compactMap { row in
      let table = TableName(schema: name, name: try row.decode("name"))
      let comment: String = try row.decode("comment")
      guard operation(of: table) != nil, comment.hasPrefix(commentStart) else { return nil }
      return Found(
        table: table, lake: String(comment.dropFirst(commentStart.count)), isOwn: try row.decode("is_own"))
    }
  }

  /// Whether the schema is there.
  package static func isThere(on connection: PostgresConnection) async throws -> Bool {
    try await State(on: connection).isThere
  }

  /// Drops a scratch table where it is there.
  /// - Throws: `PostgresError`; the table is still there then.
  package static func drop(_ table: TableName, on connection: PostgresConnection) async throws {
    precondition(operation(of: table) != nil, "only scratch tables are dropped")
    let quoted = try await connection.quoted(table)
    try await connection.withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED") {
      try await $0.query("SET LOCAL lock_timeout = '\(patience)'")
      try await $0.query("DROP TABLE IF EXISTS \(quoted)")
    }
  }

  /// Drops the schema where a drill has made it and nothing is in it.
  package static func removeIfEmpty(on connection: PostgresConnection) async throws {
    let isOwn: Bool = try await connection.query(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = $1 AND pg_catalog.pg_has_role(n.nspowner, 'USAGE') "
        + "AND pg_catalog.obj_description(n.oid, 'pg_namespace') = $2) AS is_own", [name, mark]
    ).rows[0].decode("is_own")
    guard isOwn else { return }
    do {
      try await connection.withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED") {
        try await $0.query("SET LOCAL lock_timeout = '1s'")
        try await $0.query("DROP SCHEMA IF EXISTS \(name) RESTRICT")
      }
    } catch PostgresError.server(let error) where ["2BP01", "55P03"].contains(error.sqlState) {
      // Another drill is at work in it.
    }
  }
}
