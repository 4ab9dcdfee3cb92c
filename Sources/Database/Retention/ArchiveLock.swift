import Essentials
package import Postgres
import Reporting
package import TableDays

/// The advisory lock on what is known of the archive of a table-day. A row of `archived_day` that lets rows go is there only while the lake has that very
/// file: who proves shares the lock from looking at the file until the row is committed, and who replaces or removes an
/// archive has it alone from taking the row away until the file is gone.
enum ArchiveLock {
  /// The expression of a table-day's key, made as those of ``TableDayLock``; `$1` is the table's name, `d` the day.
  private static let key =
    "(\(TableDayLock.namespace)::pg_catalog.int8 << 48) | (pg_catalog.hashtextextended('sluice:archives:' || $1 || ' ' || d, 0) & 281474976710655)"

  /// How long a session waits for it, as `lock_timeout` has it: for a few requests to the lake. Meanwhile it holds no lock that others wait for.
  private static let patience = "10s"

  /// Shares the locks of `days` until the transaction that is open ends.
  /// - Throws: ``JobError`` `locked`.
  static func share(_ days: [Day], of table: TableName, on connection: PostgresConnection) async throws {
    try await explaining(table) {
      try await connection.query("SET LOCAL lock_timeout = '\(patience)'")
      try await connection.query(
        "SELECT pg_catalog.pg_advisory_xact_lock_shared(\(key)) FROM pg_catalog.unnest($2::pg_catalog.text[]) AS d",
        ["\(table)", "{\(days.sorted().map { "\($0)" }.joined(separator: ","))}"])
      try await connection.query("SET LOCAL lock_timeout TO DEFAULT")
    }
  }

  /// Runs `body` while the session of `connection` has the lock alone. No transaction may be open.
  /// - Throws: ``JobError`` `locked`; whatever `body` throws.
  static func alone<Result: Sendable>(
    _ day: Day, of table: TableName, on connection: PostgresConnection, _ body: () async throws -> Result
  ) async throws -> Result {
    let row = try await connection.query(
      "SELECT (\(key))::pg_catalog.text AS key FROM (VALUES ($2)) AS v (d)", ["\(table)", "\(day)"]
    ).rows[0]
    let key: String = try row.decode("key")
    do {
      // The lock is the session's: it outlives the transaction, which is for the timeout alone.
      try await explaining(table) {
        try await connection.withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED") { connection in
          try await connection.query("SET LOCAL lock_timeout = '\(patience)'")
          try await connection.query("SELECT pg_catalog.pg_advisory_lock($1)", [key])
        }
      }
    } catch {
      // Whether it was granted before something else failed is not known.
      if (error as? JobError)?.code != .locked { await TableDayLock.release(key, on: connection) }
      throw error
    }
    return try await TableDayLock.releasing(key, on: connection, body)
  }

  /// Says what a lock that did not come in time means.
  static func explaining<Result>(_ table: TableName, _ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch PostgresError.server(let error) where error.sqlState == "55P03" {
      throw JobError(
        .locked,
        "another run proves, replaces or removes archives of \(table), or drops or counts rows because of them; nothing was changed. Run the job again",
        details: ["sqlstate": .string("55P03")])
    }
  }
}

extension RetentionSchema {
  /// Runs `body`, which proves, in a transaction that shares the locks on the archives of `days`: none is replaced or removed until it ends.
  /// - Throws: ``JobError`` `locked`; whatever `body` throws.
  package func proving<Result: Sendable>(
    _ days: [Day], of table: TableName, on connection: PostgresConnection,
    _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    try await connection.withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED") { connection in
      try await ArchiveLock.share(days, of: table, on: connection)
      return try await body(connection)
    }
  }

  /// Runs `body`, which replaces or removes the archive of a day, once what was known of it is forgotten, and nothing is dropped because of it:
  /// a drop that is under way has ended, and none can begin. It is waited for for 2 s, others that prove, replace or remove the archive for 10 s.
  /// - Throws: ``JobError`` `locked`, `permission_denied`: `body` was not run; whatever `body` throws.
  package func withoutProof<Result: Sendable>(
    of day: Day, of table: TableName, on connection: PostgresConnection, _ body: () async throws -> Result
  ) async throws -> Result {
    guard mayRecord else {
      throw TableFacts.denied(
        "SELECT, INSERT, UPDATE, DELETE", on: "TABLE \(name).archived_day", try await connection.currentRole())
    }
    return try await ArchiveLock.alone(day, of: table, on: connection) {
      // Where nothing is known nothing is written: the session may be a reading one.
      if try await isKnown(day, of: table, on: connection) {
        try await ArchiveLock.explaining(table) {
          try await connection.withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED") { connection in
            try await connection.query("SET LOCAL lock_timeout = '2s'")
            try await forget(day, of: table, on: connection)
          }
        }
      }
      return try await body()
    }
  }
}
