import Essentials
package import Postgres
import Reporting
package import TableDays

/// The advisory lock on a table-day, so that only one run works on it.
///
/// The lock belongs to the session and ends with it, however the program ends. It is taken before the job's transaction
/// begins: the first statement of a REPEATABLE READ transaction fixes its snapshot, and a snapshot that is older than
/// the lock could lack what the previous holder committed.
package enum TableDayLock {
  /// What a lock is of: a table-day, or the whole table for rows of which no day is known.
  package struct Subject: Sendable, CustomStringConvertible {
    let database: String
    let table: TableName
    let day: Day?

    package init(database: String, table: TableName, day: Day?) {
      self.database = database
      self.table = table
      self.day = day
    }

    package init(_ tableDay: TableDay) {
      self.init(database: tableDay.database, table: tableDay.table, day: tableDay.day)
    }

    package var description: String {
      day.map { "\(TableDay(database: database, table: table, day: $0))" } ?? "\(database)/\(table)"
    }
  }

  /// The upper 16 bits of every key, which identify a lock of this program in `pg_locks` (classid / 65536 = 23580). Any
  /// role that can connect can take any advisory lock, so the error names the holder.
  static let namespace = 0x5C1C

  /// The statement that computes a table-day's key: the namespace, then 48 bits of a hash.
  private static let keyQuery =
    "SELECT (\(namespace)::pg_catalog.int8 << 48) | (pg_catalog.hashtextextended($1, 0) & 281474976710655) AS key"

  /// Runs `body` while `connection` holds the lock on `subject`.
  /// - Throws: ``JobError`` `already_running` with the holder; whatever `body` throws.
  package static func hold<Result: Sendable>(
    _ subject: Subject, on connection: PostgresConnection, _ body: () async throws -> Result
  ) async throws -> Result {
    let key = String(try await connection.query(keyQuery, ["sluice:\(subject)"]).rows[0].decode("key", as: Int.self))
    let row = try await connection.query("SELECT pg_catalog.pg_try_advisory_lock($1) AS locked", [key]).rows[0]
    guard try row.decode("locked", as: Bool.self) else {
      let holders = try await connection.query(SQL.advisoryLockHolder, [key]).rows.map { try LockHolder($0) }
      throw refusal(subject, holders, own: connection.applicationName)
    }
    return try await releasing(key, on: connection, body)
  }

  /// Runs `body`, then releases the session's lock of a key.
  static func releasing<Result: Sendable>(
    _ key: String, on connection: PostgresConnection, _ body: () async throws -> Result
  ) async throws -> Result {
    do {
      let result = try await body()
      await release(key, on: connection)
      return result
    } catch {
      await release(key, on: connection)
      throw error
    }
  }

  private static func refusal(_ subject: Subject, _ holders: [LockHolder], own application: String) -> JobError {
    let day = subject.day.map { " of \($0)" } ?? ""
    let what = "\(subject.table)\(day) in database \(subject.database)"
    guard let holder = holders.first else {
      return JobError(
        .alreadyRunning, "another run was working on \(what) and has ended since; run the job again")
    }
    // A session of another program may hold the lock, by chance or on purpose.
    let remedy: ErrorText =
      holder.application == application
      ? "another run is working on \(what), \(holder.description); wait for it to end, then run the job again"
      : "the advisory lock of \(what) is held by \(holder.description), which does not look like a run of this "
        + "program; end that session, then run the job again"
    return JobError(.alreadyRunning, remedy, details: ["pid": .integer(holder.pid)])
  }

  /// Releases the lock, also in a cancelled task. A session that fails to is closed, which releases its locks.
  static func release(_ key: String, on connection: PostgresConnection) async {
    await Task {
      do {
        try await connection.query("SELECT pg_catalog.pg_advisory_unlock($1)", [key])
      } catch {
        await connection.close()
      }
    }.value
  }
}
