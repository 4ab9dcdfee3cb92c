package import Postgres
package import TableDays

extension Hypertable {
  /// Why this role cannot compress or decompress chunks; nil when it can.
  package var compressionHindrance: String? {
    if edition == .apache { return "the server runs the Apache edition, which has no compression" }
    return isOwned ? nil : "not owner: only \(owner) and roles that inherit its rights compress chunks"
  }

  /// Decompresses a chunk. The chunk is locked, also for readers, until the transaction ends; with the transaction the
  /// change is rolled back.
  package func decompress(_ chunk: TableName, on connection: PostgresConnection) async throws {
    try await run("decompress_chunk", chunk, "if_compressed => true", on: connection)
  }

  /// Compresses a chunk, in a transaction of its own; one that is partly compressed as a whole.
  ///
  /// Without the lock `compress_chunk` compresses the rows of a partly compressed chunk that other sessions write to, leaves its
  /// state as it was, and says nothing (measured with 2.22).
  package func compress(_ chunk: TableName, on connection: PostgresConnection) async throws {
    let table = try await connection.quoted(chunk)
    try await connection.withTransaction { connection in
      try await connection.query("LOCK TABLE ONLY \(table) IN EXCLUSIVE MODE")
      try await run("compress_chunk", chunk, "if_not_compressed => true", on: connection)
    }
  }

  private func run(
    _ function: String, _ chunk: TableName, _ option: String, on connection: PostgresConnection
  ) async throws {
    let name = try await connection.quoteLiteral(try await connection.quoted(chunk))
    try await connection.query("SELECT \(extensionSchema).\(function)(\(name)::pg_catalog.regclass, \(option))")
  }
}
