package import Postgres
package import Reporting
package import TableDays

extension RetentionSchema {
  /// The newest entries of the log of a table, or of all, the newest first, as JSON objects.
  package func log(of table: TableName?, limit: Int, on connection: PostgresConnection) async throws -> [String] {
    try await connection.query(
      "SELECT pg_catalog.to_jsonb(l)::pg_catalog.text AS entry FROM \(name).chunk_maintenance_log AS l "
        + "WHERE $1::pg_catalog.text IS NULL OR (l.table_schema = $1 AND l.table_name = $2) "
        + "ORDER BY l.id DESC LIMIT $3::pg_catalog.int8", [table?.schema, table?.name, String(limit)]
    ).rows.map { try $0.decode("entry") }
  }

  /// An entry of the log.
  package struct LogEntry: Sendable, Equatable {
    package let id: Int
    /// Its columns, as a JSON object; instants in UTC.
    package let json: String
  }

  /// What has changed something and is not in the lake's audit chain, as far as the log knows: the oldest first.
  /// - Throws: ``JobError`` `not_configured` where the schema is of an earlier version; `PostgresError`.
  package func unaudited(limit: Int, on connection: PostgresConnection) async throws -> [LogEntry] {
    do {
      return try await connection.query(
        "SELECT u.id, u.entry::pg_catalog.text AS entry FROM \(name).unaudited($1::pg_catalog.int4) AS u",
        [String(limit)]
      ).rows.map { LogEntry(id: try $0.decode("id"), json: try $0.decode("entry")) }
    } catch PostgresError.server(let error) where error.sqlState == "42883" {
      throw isEarlier
    }
  }

  /// The error for a schema of an earlier version.
  package var isEarlier: JobError {
    JobError(
      .notConfigured,
      "the schema \(name) is of an earlier version, which cannot tell what the audit chain has, which archives were used and of which table they are, or what holds keep; "
        + "renew it with sluice setup apply --part retention", field: "RETENTION_SCHEMA")
  }

  /// Whether rows were dropped because an archive held them.
  /// - Throws: ``JobError`` `not_configured` where the schema is of an earlier version; `PostgresError`.
  package func wasUsed(sha256: String, on connection: PostgresConnection) async throws -> Bool {
    do {
      return try await connection.query("SELECT \(name).was_used($1) AS was_used", [sha256]).rows[0].decode("was_used")
    } catch PostgresError.server(let error) where error.sqlState == "42883" {
      throw isEarlier
    }
  }

  /// Takes down that the audit chain has entries.
  package func markAudited(_ entries: [LogEntry], on connection: PostgresConnection) async throws {
    try await connection.query(
      "SELECT \(name).mark_audited($1::pg_catalog.int8[])", ["{\(entries.map { "\($0.id)" }.joined(separator: ","))}"])
  }
}
