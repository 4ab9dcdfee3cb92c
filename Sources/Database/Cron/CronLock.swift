package import Postgres
import Reporting

/// The advisory locks of changes of pg_cron's jobs: in the database of pg_cron, held by the session, and gone with it.
package enum CronLock {
  /// Runs `body` while the session of `connection` has the lock named `name`.
  /// - Returns: nil where another session has it.
  package static func attempt<Result: Sendable>(
    _ name: String, on connection: PostgresConnection, _ body: () async throws -> Result
  ) async throws -> Result? {
    let row = try await connection.query(
      "SELECT pg_catalog.hashtextextended('sluice:cron:' || $1, 0)::pg_catalog.text AS key", [name]
    ).rows[0]
    let key: String = try row.decode("key")
    let isOurs: Bool
    do {
      isOurs = try await connection.query("SELECT pg_catalog.pg_try_advisory_lock($1) AS is_ours", [key]).rows[0]
        .decode("is_ours")
    } catch {
      // Whether it was granted before something else failed is not known.
      await TableDayLock.release(key, on: connection)
      throw error
    }
    guard isOurs else { return nil }
    return try await TableDayLock.releasing(key, on: connection, body)
  }

  /// Runs `body` while no other process changes the jobs under `prefix`.
  /// - Throws: ``JobError`` `already_running`; whatever `body` throws.
  package static func alone<Result: Sendable>(
    _ prefix: String, on connection: PostgresConnection, _ body: () async throws -> Result
  ) async throws -> Result {
    guard let result = try await attempt("jobs:\(prefix)", on: connection, body) else {
      throw JobError(
        .alreadyRunning,
        "another process changes the jobs under the prefix \(prefix); nothing was changed. Run the command again when it has ended"
      )
    }
    return result
  }
}
