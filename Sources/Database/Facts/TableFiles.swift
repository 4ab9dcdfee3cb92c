package import Postgres
package import Reporting
package import TableDays

/// The files of the server that hold a table's rows, as a transaction's snapshot sees them.
///
/// The lock at the start of the transaction prevents a rewrite of the table. Comparing the files proves that none
/// happened: a COPY whose snapshot is older than a rewrite silently misses rows.
package struct TableFiles: Equatable {
  private let digest: String

  /// - Parameter chunks: the chunks that are read, where the day tells them; others may be rewritten meanwhile.
  /// - Throws: ``JobError`` `table_changed` when the snapshot is older than a rewrite of the table.
  package static func read(
    _ facts: TableFacts, chunks: [Chunk]? = nil, on connection: PostgresConnection
  ) async throws -> TableFiles {
    let compressed = (facts.hypertable ?? facts.sources.first)?.compressedFilesSQL
    let sql = SQL.tableIdentity.replacing("/* COMPRESSED */", with: compressed ?? "")
    let own = facts.hypertable == nil ? nil : chunks
    let list = own.map { "{\($0.map { String($0.oid) }.joined(separator: ","))}" }
    let row = try await connection.query(sql, [String(facts.oid), list]).rows[0]
    guard try row.decode("stale", as: Int.self) == 0 else { throw changed(facts.table) }
    return TableFiles(digest: try row.decode("files"))
  }

  /// Refuses rows that were read by the table's name when another relation has it by now: one that was locked keeps its name, but not its
  /// schema's.
  /// - Throws: ``JobError`` `table_changed`.
  package static func refuseOther(than facts: TableFacts, on connection: PostgresConnection) async throws {
    let oid: Int? = try await connection.query(
      "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.int8 AS oid",
      [try await connection.quoted(facts.table)]
    ).rows[0].decodeIfPresent("oid")
    guard oid == facts.oid else { throw changed(facts.table) }
  }

  package static func changed(_ table: TableName) -> JobError {
    JobError(
      .tableChanged,
      "another session rewrote or replaced \(table) while the backup read it; nothing was published. Run the backup "
        + "again", field: "table")
  }
}
