import Postgres
import TableDays

/// The lock on a table with which a job's transaction begins.
///
/// A snapshot that is older than a rewrite of the table (ALTER COLUMN … TYPE, TRUNCATE, SET UNLOGGED, a swap by rename, a
/// chunk that is decompressed) sees no rows: rewrites are not MVCC-safe (PostgreSQL documentation, "Caveats"). LOCK TABLE
/// takes no snapshot. As the first statement of a transaction it waits for a rewrite under way, and the snapshot of the
/// statements behind it is younger. It takes the table's partitions and children with it.
struct TableLock: Sendable {
  /// The lock was not to be had within the patience given; the transaction has failed.
  struct NotGranted: Error {
    let holders: [LockHolder]
    /// The server's error, as it came.
    let cause: any Error
  }

  let table: TableName
  let access: TableFacts.Access
  /// Whether LOCK TABLE serves: it takes plain and partitioned tables alone, and asks for a right on the whole table.
  let isLockable: Bool
  /// Whether the role may name the table in a SELECT.
  let mayRead: Bool
  /// What a backup is going to read, as a SELECT of no rows; nil for what is not read.
  let reading: (@Sendable (PostgresConnection) async throws -> String)?
  /// Lock what is read, and not the whole table: a partition that another session holds may be none of this day's.
  let isNarrow: Bool

  /// Finds how `table` can be locked.
  /// - Throws: ``JobError`` `table_not_found`.
  static func find(
    _ table: TableName, for access: TableFacts.Access, isNarrow: Bool,
    reading: (@Sendable (PostgresConnection) async throws -> String)?, on connection: PostgresConnection
  ) async throws -> TableLock {
    guard let row = try await connection.query(SQL.tableAccess, [table.schema, table.name]).rows.first else {
      throw TableFacts.missing(table, in: connection.target.database)
    }
    let kind: String = try row.decode("kind")
    let hasRight: Bool = try row.decode(access == .read ? "may_select" : "may_insert")
    let mayRead: Bool = try row.decode("may_read")
    return TableLock(
      table: table, access: access, isLockable: ["r", "p"].contains(kind) && hasRight,
      mayRead: ["r", "p", "f"].contains(kind) && mayRead, reading: reading, isNarrow: isNarrow)
  }

  /// Whether the lock comes of a SELECT, which takes its snapshot before it waits.
  private var isBySelect: Bool { access == .read && (isNarrow || !isLockable) }

  /// The statement that begins the transaction. Where the lock comes of a SELECT, each statement has a snapshot of its own,
  /// and the COPY's is younger than the lock.
  var begin: String {
    switch access {
    case .read: "BEGIN ISOLATION LEVEL \(isBySelect ? "READ COMMITTED" : "REPEATABLE READ") READ ONLY"
    case .write: "BEGIN ISOLATION LEVEL READ COMMITTED"
    }
  }

  /// Takes the lock within `patience`, and leaves `lock_timeout` at `limit` for the locks of the statements that follow.
  /// - Throws: ``PostgresError`` with SQLSTATE 55P03 when it was not to be had; any other.
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
    // Its partitions and children are locked with it for a reader; a load locks those that its rows go to.
    return access == .read
      ? "LOCK TABLE \(name) IN ACCESS SHARE MODE" : "LOCK TABLE ONLY \(name) IN ROW EXCLUSIVE MODE"
  }
}
