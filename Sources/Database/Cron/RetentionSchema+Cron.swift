package import Postgres

extension RetentionSchema {
  /// Whether `role` may run the retention of the schema `name` in this database; false where it has none.
  package static func mayEnforce(
    _ name: String, role: String, on connection: PostgresConnection
  ) async throws -> Bool {
    try await connection.query(
      """
      SELECT count(*) > 0 AS may
      FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid AND p.proname = 'enforce_retention_all'
      JOIN pg_catalog.pg_roles r ON r.rolname = $2
      WHERE n.nspname = $1 AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
        AND pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE')
      """, [name, role]
    ).rows[0].decode("may")
  }
}
