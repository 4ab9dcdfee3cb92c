package import Postgres
package import Reporting
package import TableDays

/// The table `sluice.restore_log` in a target database. Each load writes a mark into it in its own transaction, so that a
/// request that is tried again knows what is loaded already, and a commit whose answer was lost can be found.
package struct RestoreLog: Sendable {
  /// The file that a load reads, by what tells it from another version at the same path.
  package struct Archive: Sendable, Equatable {
    package var path: String
    package var bytes: Int
    package var etag: String
    /// In lower-case hexadecimal; nil before the file is read, where no manifest has it.
    package var sha256: String?

    package init(path: String, bytes: Int, etag: String, sha256: String?) {
      self.path = path
      self.bytes = bytes
      self.etag = etag
      self.sha256 = sha256
    }
  }

  /// An earlier load.
  package struct Mark: Sendable, Equatable {
    let bytes: Int
    let etag: String
    let sha256: String
    package let rows: Int
    package let loadedAt: String

    /// Whether the load read this version of the file. A copy of the same file has another etag.
    package func isOf(_ archive: Archive) -> Bool {
      archive.sha256.map { $0 == sha256 } ?? false || (bytes == archive.bytes && etag == archive.etag)
    }
  }

  /// The table that is loaded.
  let target: TableName

  /// The log for loads into `target`, where the role may use it. Its table is made on first use.
  /// - Parameter creating: make the table where it is missing and the role may.
  /// - Returns: nil where there is none that the role may use.
  package static func open(
    for target: TableName, creating: Bool, on connection: PostgresConnection
  ) async throws -> RestoreLog? {
    var state = try await State.read(target, on: connection)
    if creating, !state.isThere, state.mayCreate {
      do {
        try await create(on: connection)
      } catch PostgresError.server(let error) where !error.isFatal {
        Log.write(.warning, "sluice.restore_log was not created", ["reason": error])
      }
      state = try await State.read(target, on: connection)
    }
    return state.isThere && state.isTrusted && state.mayWrite ? RestoreLog(target: target) : nil
  }

  private struct State {
    let isThere, isTrusted, mayWrite, mayDelete, mayCreate: Bool

    static func read(_ target: TableName?, on connection: PostgresConnection) async throws -> State {
      let row = try await connection.query(SQL.restoreLogState, [target?.schema, target?.name]).rows[0]
      return State(
        isThere: try row.decode("is_there"), isTrusted: try row.decode("is_trusted"),
        mayWrite: try row.decode("may_write"), mayDelete: try row.decode("may_delete"),
        mayCreate: try row.decode("may_create"))
    }
  }

  /// Two sessions that run CREATE … IF NOT EXISTS at once can both find nothing, and one of them then fails; so they take
  /// turns.
  private static func create(on connection: PostgresConnection) async throws {
    try await connection.withTransaction { connection in
      try await connection.query("SET LOCAL lock_timeout = 10000")
      try await connection.query(
        "SELECT pg_catalog.pg_advisory_xact_lock("
          + "(\(TableDayLock.namespace)::pg_catalog.int8 << 48) | (pg_catalog.hashtextextended('sluice.restore_log', 0) & 281474976710655))"
      )
      for statement in definition { try await connection.query(statement) }
    }
  }

  private static let definition = [
    "CREATE SCHEMA IF NOT EXISTS sluice", SQL.restoreLogTable,
    "CREATE INDEX IF NOT EXISTS restore_log_key ON sluice.restore_log (key, target)",
  ]

  /// The earlier loads of the file at `path` by the request with `key`.
  package func marks(key: String, path: String, on connection: PostgresConnection) async throws -> [Mark] {
    try await connection.query(SQL.restoreLogMarks, [key, "\(target)", path]).rows.map { row in
      Mark(
        bytes: try row.decode("bytes"), etag: try row.decode("etag"), sha256: try row.decode("sha256"),
        rows: try row.decode("rows"), loadedAt: try row.decode("loaded_at"))
    }
  }

  /// Writes the mark of the load whose transaction is in progress.
  ///
  /// With a key the load depends on it: a retry would load the rows again without the mark. Without one a mark that cannot
  /// be written is left out.
  /// - Parameter load: the load's own id.
  /// - Returns: whether the mark is written.
  package func write(
    load: String, key: String?, _ archive: Archive, sha256: String, rows: Int, on connection: PostgresConnection
  ) async throws -> Bool {
    let values = [
      load, key, "\(target)", archive.path, String(archive.bytes), archive.etag, sha256, String(rows),
    ]
    guard key == nil else {
      try await connection.query(SQL.restoreLogWrite, values)
      return true
    }
    try await connection.query("SAVEPOINT sluice_mark")
    do {
      try await connection.query(SQL.restoreLogWrite, values)
      return true
    } catch PostgresError.server(let error) where !error.isFatal {
      try await connection.query("ROLLBACK TO SAVEPOINT sluice_mark")
      Log.write(.warning, "the load leaves no mark in sluice.restore_log", ["table": target, "reason": error])
      return false
    }
  }

  /// The SQL condition that the load with that id (a UUID) was committed on this server.
  package static func holds(load: String) -> String {
    "EXISTS (SELECT FROM sluice.restore_log WHERE load = '\(load)')"
  }

  /// Removes marks that are older than `days`, where the role may.
  /// - Returns: how many.
  package static func removeOld(days: Int, on connection: PostgresConnection) async throws -> Int {
    let state = try await State.read(nil, on: connection)
    guard state.isThere, state.isTrusted, state.mayDelete else { return 0 }
    return try await connection.query(
      "DELETE FROM sluice.restore_log WHERE loaded_at < pg_catalog.now() - pg_catalog.make_interval(days => $1)",
      [String(days)]
    ).affectedRows
  }

  /// The error for a load that must not be repeated where no mark can be left.
  package static func needed(for role: String, on connection: PostgresConnection) async throws -> JobError {
    let name = try await connection.quoteIdentifier(role)
    let statements =
      definition.map { $0.split(separator: "\n").filter { !$0.hasPrefix("--") }.joined(separator: " ") } + [
        "GRANT USAGE ON SCHEMA sluice TO \(name)",
        "GRANT SELECT, INSERT, DELETE ON sluice.restore_log TO \(name)",
      ]
    return JobError(
      .restoreLogNeeded,
      "a message may be delivered again, and with \(field: "destination.on_existing") \"append\" its rows would then be "
        + "loaded twice; a load leaves a mark against that in sluice.restore_log, which the role \(role) can neither use nor "
        + "create. As the database's owner run: \(statements.joined(separator: "; "))",
      field: "destination.on_existing")
  }
}
