package import Postgres
import Reporting
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
  package struct Entry: Sendable, Equatable {
    /// The load's own id.
    package let load: String
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

  /// The table-day that was archived, as `database/schema.table day`; or a file.
  let source: String
  /// The table that is loaded.
  let target: TableName
  /// The log can keep what a load owes: the table has the columns for it, and the role may write them.
  package let keepsOwed: Bool

  /// The log for loads of `source` into `target`, where the role may use it. Its table is made on first use.
  /// - Parameter creating: make the table where it is missing and the role may.
  /// - Returns: nil where there is none that the role may use.
  package static func open(
    of source: String, into target: TableName, creating: Bool, on connection: PostgresConnection
  ) async throws -> RestoreLog? {
    var state = try await State.read(on: connection)
    if creating, !state.isThere, state.mayCreate {
      do {
        try await create(state.schemaDefinition + definition, on: connection)
      } catch PostgresError.server(let error) where !error.isFatal {
        Log.write(.warning, "sluice.restore_log was not created", ["reason": error])
      }
      state = try await State.read(on: connection)
    }
    guard state.isUsable else { return nil }
    if creating, !state.isComplete, state.isOwned {
      state.isComplete = await add(
        "ADD COLUMN IF NOT EXISTS owed pg_catalog.jsonb, ADD COLUMN IF NOT EXISTS seconds pg_catalog.float8",
        to: "restore_log", on: connection)
    }
    return RestoreLog(source: source, target: target, keepsOwed: state.isComplete && state.mayUpdate)
  }

  /// Two sessions that run CREATE … IF NOT EXISTS at once can both find nothing, and one of them then fails; so they take
  /// turns.
  static func create(_ statements: [String], on connection: PostgresConnection) async throws {
    try await connection.withTransaction { connection in
      try await connection.query("SET LOCAL lock_timeout = 10000")
      try await connection.query(
        "SELECT pg_catalog.pg_advisory_xact_lock("
          + "(\(TableDayLock.namespace)::pg_catalog.int8 << 48) | (pg_catalog.hashtextextended('sluice.restore_log', 0) & 281474976710655))"
      )
      for statement in statements { try await connection.query(statement) }
    }
  }

  /// Adds the columns that versions before 0.10 made a table without.
  /// - Returns: whether they are there.
  static func add(_ columns: String, to table: String, on connection: PostgresConnection) async -> Bool {
    do {
      try await connection.withTransaction { connection in
        try await connection.query("SET LOCAL lock_timeout = 2000")
        try await connection.query(
          "ALTER TABLE sluice.\(table) \(columns)")
      }
      return true
    } catch {
      Log.write(
        .warning, "a table of the schema sluice did not get its new columns", ["table": table, "reason": error])
      return false
    }
  }

  static let definition = [
    SQL.restoreLogTable,
    "CREATE INDEX IF NOT EXISTS restore_log_key ON sluice.restore_log (key, source)",
  ]

  /// The earlier loads of the table-day into this table by the request with `key`.
  package func entries(key: String, on connection: PostgresConnection) async throws -> [Entry] {
    try await connection.query(SQL.restoreLogMarks, [key, source, target.schema, target.name]).rows.map { row in
      Entry(
        load: try row.decode("load"), bytes: try row.decode("bytes"), etag: try row.decode("etag"),
        sha256: try row.decode("sha256"),
        rows: try row.decode("rows"), loadedAt: try row.decode("loaded_at"))
    }
  }

  /// Writes the mark of the load whose transaction is in progress.
  ///
  /// With a key the load depends on it: a retry would load the rows again without the mark. Without one a mark that cannot
  /// be written is left out.
  /// - Parameters:
  ///   - load: the load's own id.
  ///   - target: the facts of the table that is loaded.
  ///   - owed: the steps that are left after the commit; only where the log keeps them.
  ///   - seconds: the time since the load began.
  /// - Returns: whether the mark is written.
  package func write(
    load: String, key: String?, _ archive: Archive, sha256: String, rows: Int, into target: TableFacts,
    owing owed: OwedSteps?, seconds: Double, on connection: PostgresConnection
  ) async throws -> Bool {
    let values = [
      load, key, source, "\(target.table)", String(target.oid), archive.path, String(archive.bytes), archive.etag,
      sha256, String(rows),
    ]
    // A step that is owed is found by its mark alone.
    guard key == nil, owed == nil else {
      guard try await Self.lock(on: connection).isUsable else {
        throw JobError(
          .restoreLogNeeded,
          "sluice.restore_log was changed during the load, which can leave no mark there; nothing was loaded: "
            + "\(try await Self.remedy(on: connection))")
      }
      guard try await connection.query(SQL.restoreLogWrite, values).affectedRows == 1 else {
        throw JobError(
          .restoreLogNeeded,
          "sluice.restore_log did not store the load's mark: a rule or trigger of that table keeps it out; nothing was loaded. "
            + "Remove it, then run the job again")
      }
      if keepsOwed { try await Self.store(owed, of: load, seconds: seconds, on: connection) }
      return true
    }
    try await connection.query("SAVEPOINT sluice_mark")
    do {
      let state = try await Self.lock(on: connection)
      guard state.isUsable else {
        Log.write(
          .warning, "the load leaves no mark in sluice.restore_log",
          [
            "table": target.table,
            "reason": state.flaw("restore_log", connection.target.user) ?? "it was changed during the load",
          ])
        return false
      }
      guard try await connection.query(SQL.restoreLogWrite, values).affectedRows == 1 else { return false }
      if keepsOwed { try await Self.store(owed, of: load, seconds: seconds, on: connection) }
      return true
    } catch PostgresError.server(let error) where !error.isFatal {
      try await connection.query("ROLLBACK TO SAVEPOINT sluice_mark")
      Log.write(.warning, "the load leaves no mark in sluice.restore_log", ["table": target.table, "reason": error])
      return false
    }
  }

  /// The SQL condition that the load with that id (a UUID) was committed on this server.
  package static func holds(load: String) -> String {
    "EXISTS (SELECT FROM sluice.restore_log WHERE load = '\(load)')"
  }

  /// Removes marks that are older than `days` and owe nothing, where the role may.
  /// - Returns: how many.
  package static func removeOld(days: Int, on connection: PostgresConnection) async throws -> Int {
    let state = try await State.read(on: connection)
    guard state.isSafe, state.mayDelete else { return 0 }
    return try await connection.withTransaction { connection in
      guard try await lock(on: connection).isSafe else { return 0 }
      return try await connection.query(
        "DELETE FROM sluice.restore_log WHERE pg_catalog.to_jsonb(restore_log) ->> 'owed' IS NULL AND loaded_at < pg_catalog.now() - pg_catalog.make_interval(days => $1)",
        [String(days)]
      ).affectedRows
    }
  }
}
