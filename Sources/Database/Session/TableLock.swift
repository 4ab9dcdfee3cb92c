import Postgres
import TableDays

/// The lock on a table at the start of a job's transaction.
///
/// A snapshot that is older than a rewrite of the table (ALTER COLUMN … TYPE, TRUNCATE, SET UNLOGGED, a swap by rename,
/// a chunk that is decompressed) sees no rows: rewrites are not MVCC-safe (PostgreSQL documentation, "Caveats"). LOCK
/// TABLE takes no snapshot: as the first statement of a transaction it waits for a running rewrite, and the snapshots
/// of later statements are newer. It also locks the table's partitions and children.
struct TableLock: Sendable {
  /// The lock was not granted in time; the transaction has failed.
  struct NotGranted: Error {
    let holders: [LockHolder]
    /// The server's error, unchanged.
    let cause: any Error
  }

  let table: TableName
  let access: TableFacts.Access
  /// Whether LOCK TABLE can be used: it accepts tables and views, with all tables that a view reads (of a continuous aggregate
  /// the hypertable of its rows and the raw one, each with its chunks), but no materialized views, and needs a right on the
  /// whole relation.
  let isLockable: Bool
  /// Whether the role may name the table in a SELECT.
  let mayRead: Bool
  /// The SELECT of no rows that locks what a backup reads; nil for a restore.
  let reading: (@Sendable (PostgresConnection) async throws -> String)?
  /// Lock only what is read instead of the whole table: a partition that another session has locked may belong to
  /// another day.
  let isNarrow: Bool

  /// Finds out how `table` can be locked.
  /// - Throws: ``JobError`` `table_not_found`.
  static func find(
    _ table: TableName, for access: TableFacts.Access, isNarrow: Bool,
    reading: (@Sendable (PostgresConnection) async throws -> String)?, mayBeMissing: Bool = false,
    on connection: PostgresConnection
  ) async throws -> TableLock {
    guard let row = try await connection.query(SQL.tableAccess, [table.schema, table.name]).rows.first else {
      if mayBeMissing {
        return TableLock(
          table: table, access: access, isLockable: false, mayRead: false, reading: reading, isNarrow: isNarrow)
      }
      throw TableFacts.missing(table, in: connection.target.database)
    }
    let kind: String = try row.decode("kind")
    let hasRight: Bool = try row.decode(access == .read ? "may_select" : "may_insert")
    let mayRead: Bool = try row.decode("may_read")
    return TableLock(
      table: table, access: access, isLockable: ["r", "p", "v"].contains(kind) && hasRight,
      mayRead: ["r", "p", "f", "v", "m"].contains(kind) && mayRead, reading: reading, isNarrow: isNarrow)
  }

  /// Whether a SELECT takes the lock. A SELECT takes its snapshot before it waits.
  private var isBySelect: Bool { access == .read && (isNarrow || !isLockable) }

  /// The statement that begins the transaction. Where a SELECT takes the lock, each statement has its own snapshot, so
  /// that the COPY's snapshot is newer than the lock.
  var begin: String {
    switch access {
    case .read: "BEGIN ISOLATION LEVEL \(isBySelect ? "READ COMMITTED" : "REPEATABLE READ") READ ONLY"
    case .write: "BEGIN ISOLATION LEVEL READ COMMITTED"
    }
  }

  /// Takes the lock within `patience`, then sets `lock_timeout` to `limit` for the statements that follow.
  /// - Throws: ``PostgresError`` with SQLSTATE 55P03 when the lock is not granted in time; other errors of the server.
  func take(within patience: Duration, limit: Duration, on connection: PostgresConnection) async throws {
    try await connection.query("SET LOCAL lock_timeout = \(max(1, Int(patience / .milliseconds(1))))")
    if let statement = try await statement(on: connection) { try await connection.query(statement) }
    try await connection.query("SET LOCAL lock_timeout = \(max(1, Int(limit / .milliseconds(1))))")
  }

  private func statement(on connection: PostgresConnection) async throws -> String? {
    if isBySelect {
      guard mayRead, let reading else { return nil }
      return try await reading(connection)
    }
    guard isLockable else { return nil }
    let name = try await connection.quoted(table)
    // A backup locks the partitions and children too; a load locks those that receive rows as it writes to them.
    return access == .read
      ? "LOCK TABLE \(name) IN ACCESS SHARE MODE" : "LOCK TABLE ONLY \(name) IN ROW EXCLUSIVE MODE"
  }
}
