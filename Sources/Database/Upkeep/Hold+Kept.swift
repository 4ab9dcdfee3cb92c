package import Postgres
package import TableDays

extension Hold {
  /// The hold of a restore that keeps rows of `table`, in words; nil where none does.
  /// - Throws: ``PostgresError`` where `sluice.hold` is there and cannot be read: it may hold anything.
  package static func kept(_ table: TableName, on connection: PostgresConnection) async throws -> String? {
    let isThere: Bool = try await connection.query(
      "SELECT pg_catalog.to_regclass('sluice.hold') IS NOT NULL AS is_there"
    )
    .rows[0].decode("is_there")
    guard isThere else { return nil }
    let until: String? = try await connection.query(
      "SELECT pg_catalog.max(h.keep_until)::pg_catalog.text AS until FROM sluice.hold AS h "
        + "WHERE h.ended_at IS NULL AND h.schema_name = $1 AND h.table_name = $2 AND h.keep_until > pg_catalog.clock_timestamp()",
      [table.schema, table.name]
    ).rows[0].decodeIfPresent("until")
    return until.map { "a restore keeps rows of \(table) until \($0)" }
  }
}
