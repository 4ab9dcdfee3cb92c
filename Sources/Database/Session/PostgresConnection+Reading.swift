package import Postgres
package import TableDays

extension PostgresConnection {
  /// Runs `body` in a transaction that reads `table` and changes nothing. The table is locked before the snapshots, as a backup
  /// locks it: a count whose snapshot is older than a rewrite would miss rows. Each statement has a snapshot of its own, taken
  /// after it was planned: an older one misses rows of a partly compressed chunk that is compressed again (``ChunkVersions``).
  /// - Parameters:
  ///   - patience: how long the lock is waited for; longer waits of later statements fail too.
  ///   - seconds: the time limit of each statement.
  /// - Throws: ``JobError`` `table_not_found`, ``PostgresError``.
  package func reading<Result: Sendable>(
    _ table: TableName, patience: Duration, seconds: Int? = nil,
    _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    let lock = try await TableLock.find(table, for: .read, isNarrow: false, reading: nil, on: self)
    return try await withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY") { connection in
      try await lock.take(within: patience, limit: patience, on: connection)
      try await connection.query("SET LOCAL row_security = off")
      if let seconds { try await connection.query("SET LOCAL statement_timeout = '\(seconds)s'") }
      return try await body(connection)
    }
  }
}
