package import Postgres
package import Reporting
package import TableDays

/// Which files of the server hold a table's rows, as a transaction's snapshot knows them.
///
/// The lock with which the transaction began keeps them as they are. This is the proof that it did: rows that were read out
/// of a file which a rewrite has replaced would be missing without a word.
package struct TableFiles: Equatable {
  private let digest: String

  /// - Throws: ``JobError`` `table_changed` when the snapshot is older than a rewrite of the table.
  package static func read(_ facts: TableFacts, on connection: PostgresConnection) async throws -> TableFiles {
    let row = try await connection.query(SQL.tableIdentity, [String(facts.oid)]).rows[0]
    guard try row.decode("stale", as: Int.self) == 0 else { throw changed(facts.table) }
    return TableFiles(digest: try row.decode("files"))
  }

  package static func changed(_ table: TableName) -> JobError {
    JobError(
      .tableChanged,
      "\(table) was rewritten or replaced by another session while it was read; nothing was published, run the backup again",
      field: "table")
  }
}
