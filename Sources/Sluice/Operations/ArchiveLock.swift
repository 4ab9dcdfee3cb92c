import Postgres

/// Claims a table-day, so that no second run works on the same archive.
///
/// The lock belongs to the session and goes with it, however the program ends. It is taken before the job's transaction
/// begins: the first statement of a REPEATABLE READ transaction fixes its snapshot, and a snapshot from before the lock
/// could lack what the previous holder committed.
enum ArchiveLock {
  /// Runs `body` while `connection` holds the lock on `archive`.
  /// - Throws: ``JobError`` `already_running`; whatever `body` throws.
  static func hold<Result: Sendable>(
    _ archive: ArchiveName, on connection: PostgresConnection, _ body: () async throws -> Result
  ) async throws -> Result {
    let key = "sluice:\(archive)"
    let row = try await connection.query(
      "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0)) AS locked", [key]
    ).rows[0]
    guard try row.decode("locked", as: Bool.self) else {
      throw JobError(
        .conflict, code: "already_running",
        "another run is working on \(archive.table) of \(archive.day) in database \(archive.database); wait for it to end, "
          + "then run the job again")
    }
    do {
      let result = try await body()
      await release(key, on: connection)
      return result
    } catch {
      await release(key, on: connection)
      throw error
    }
  }

  /// Gives the lock back, also from a cancelled task. A session that cannot do so is closed, and its locks go with it.
  private static func release(_ key: String, on connection: PostgresConnection) async {
    await Task {
      do {
        try await connection.query(
          "SELECT pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended($1, 0))", [key])
      } catch {
        await connection.close()
      }
    }.value
  }
}
