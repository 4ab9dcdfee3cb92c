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

  package static func changed(_ table: TableName) -> JobError {
    JobError(
      .tableChanged,
      "another session rewrote or replaced \(table) while the backup read it; nothing was published. Run the backup "
        + "again", field: "table")
  }
}
