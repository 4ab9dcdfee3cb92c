package import Postgres
import Reporting

extension TableFacts {
  /// Refuses a table whose row-level security applies to the role: it may hide rows that are to be counted or replaced, and
  /// PostgreSQL copies no rows into such a table.
  /// - Throws: ``JobError`` `permission_denied`.
  package func refuseRowSecurity(on connection: PostgresConnection) async throws {
    guard try await hasRowSecurity(on: connection) else { return }
    let role = try await connection.currentRole()
    throw JobError(
      .permissionDenied,
      "row-level security of \(table) applies to the role \(role) and may hide rows from it; nothing was "
        + "changed. Run the job as a role to which it does not apply, or let this one pass it: \(Self.rowSecurityRemedy(for: role))"
    )
  }

  /// Whether row-level security applies to the role.
  package func hasRowSecurity(on connection: PostgresConnection) async throws -> Bool {
    try await connection.query(
      "SELECT pg_catalog.row_security_active($1::pg_catalog.int8::pg_catalog.oid) AS is_active", [String(oid)]
    ).rows[0].decode("is_active")
  }

  /// The SQL that lets `role` pass row-level security.
  package static func rowSecurityRemedy(for role: String) -> String {
    "ALTER ROLE \(SQL.identifier(role)) BYPASSRLS"
  }

  /// Refuses to look for rows by a column that the role may not read.
  /// - Throws: ``JobError`` `permission_denied`.
  package func refuseUnreadable(_ rows: ExistingRows, on connection: PostgresConnection) async throws {
    guard column(rows.timeColumn.name)?.maySelect != true else { return }
    throw Self.denied("SELECT", on: SQL.name(table), try await connection.currentRole())
  }
}
