import Essentials
package import Postgres
import Reporting
package import TableDays

/// A hold on a span of a table, in `sluice.hold`: until it is over, the program's retention leaves the span alone, and the
/// jobs of TimescaleDB that would drop it may be paused. It is placed in the transaction of the load that asks for it.
package enum Hold {
  /// Makes the table where it is missing and the role may.
  /// - Throws: ``JobError`` `hold_not_kept` with the SQL that helps.
  package static func prepare(on connection: PostgresConnection) async throws {
    var state = try await RestoreLog.State.read("hold", on: connection)
    if !state.isThere, state.schemaIsTrusted {
      do {
        try await RestoreLog.create(["CREATE SCHEMA IF NOT EXISTS sluice", SQL.holdTable], on: connection)
      } catch PostgresError.server(let error) where !error.isFatal {
        Log.write(.warning, "sluice.hold was not created", ["reason": error])
      }
      state = try await RestoreLog.State.read("hold", on: connection)
    }
    try await check(mayMake: false, on: connection)
  }

  /// Refuses a hold that cannot be kept, and changes nothing.
  /// - Parameter mayMake: the table may still be made by ``prepare(on:)``, where the role has the right to.
  /// - Throws: ``JobError`` `hold_not_kept` with the SQL that helps.
  package static func check(mayMake: Bool, on connection: PostgresConnection) async throws {
    let state = try await RestoreLog.State.read("hold", on: connection)
    guard !(state.isUsable && state.mayUpdate), !(mayMake && !state.isThere && state.mayCreate) else { return }
    throw JobError(
      .holdNotKept,
      "the role \(connection.target.user) can neither use nor create sluice.hold, in which the hold is kept; nothing was loaded: "
        + "\(try await remedy(state, on: connection))", field: "keep_until")
  }

  /// Why the role that `connection` has signed in as cannot keep a hold, and the SQL that helps.
  package static func remedy(on connection: PostgresConnection) async throws -> String {
    try await remedy(RestoreLog.State.read("hold", on: connection), on: connection)
  }

  private static func remedy(_ state: RestoreLog.State, on connection: PostgresConnection) async throws -> String {
    if let flaw = state.flaw("hold", connection.target.user) { return flaw }
    let user: String = try await connection.query("SELECT pg_catalog.quote_ident(current_user) AS name").rows[0]
      .decode("name")
    let statements = [
      "CREATE SCHEMA IF NOT EXISTS sluice", SQL.withoutComments(SQL.holdTable),
      "GRANT USAGE ON SCHEMA sluice TO \(user)", "GRANT SELECT, INSERT, UPDATE ON sluice.hold TO \(user)",
    ]
    return "as the database's owner run: \(statements.joined(separator: "; "))"
  }

  /// Places the hold of `load` in the current transaction, and pauses `jobs` with it.
  /// - Parameters:
  ///   - end: when it ends, in ISO 8601.
  ///   - paused: jobs that are paused already; those that another hold has paused stay so until this one is over too.
  package static func place(
    load: String, on table: TableName, _ span: DaySpan, until end: String, pausing jobs: [Int], keeping paused: [Int],
    in hypertable: Hypertable?,
    on connection: PostgresConnection
  ) async throws {
    try await connection.query(
      SQL.holdPlace,
      [
        load, table.schema, table.name, span.kind.rawValue, span.start, span.end, end,
        "{\(jobs.map { String($0) }.joined(separator: ","))}", "{\(paused.map { String($0) }.joined(separator: ","))}",
      ])
    guard let hypertable else { return }
    for job in jobs {
      do {
        try await TimescalePolicy.pause(job, schema: hypertable.extensionSchema, on: connection)
      } catch PostgresError.server(let error) where error.sqlState == "XX000" {
        // Version 2.22 takes no change of a policy with `drop_created_before`.
        throw JobError(
          .retentionWouldDrop,
          "the retention job \(job) of \(table) cannot be paused: alter_job fails, as it does for policies with drop_created_before "
            + "in some versions of TimescaleDB; nothing was changed. Leave \(field: "pause_jobs") out, and remove the policy meanwhile",
          field: "pause_jobs", details: ["jobs": .array([.integer(job)])])
      }
    }
  }

  /// Ends the holds that are over, and has the jobs that were paused for them run again. Each hold is a transaction of its own:
  /// one whose jobs this role may not change stays, and keeps no other from its end.
  /// - Parameter lockTimeout: how long a lock is waited for, in milliseconds.
  /// - Returns: the numbers of those jobs.
  package static func endThoseOver(lockTimeout: Int, on connection: PostgresConnection) async throws -> [Int] {
    let state = try await RestoreLog.State.read("hold", on: connection)
    guard state.isUsable, state.mayUpdate else {
      if state.isThere, let flaw = state.flaw("hold", connection.target.user) {
        Log.write(.warning, "holds that are over are not looked for", ["reason": flaw])
      }
      return []
    }
    let over: [String] = try await connection.query(SQL.holdsOver).rows.map { try $0.decode("load") }
    guard !over.isEmpty else { return [] }
    let schema: String? = try await connection.query(
      "SELECT pg_catalog.quote_ident(n.nspname) AS name FROM pg_catalog.pg_extension e "
        + "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb'"
    ).rows.first?.decode("name")
    let knowsTables = try await RestoreLog.State.read(on: connection).isUsable
    var resumed: [Int] = []
    for load in over {
      do {
        resumed += try await connection.withTransaction { connection in
          try await connection.query("SET LOCAL lock_timeout = \(lockTimeout)")
          return try await end(load, schema: schema, knowsTables: knowsTables, on: connection)
        }.filter { !resumed.contains($0) }
      } catch PostgresError.server(let error) where !error.isFatal {
        Log.write(.warning, "a hold that is over was not ended", ["load": load, "reason": error])
      }
    }
    return resumed
  }

  /// - Parameter knowsTables: `sluice.restore_log` is there, which keeps the OID of the table that was loaded.
  private static func end(
    _ load: String, schema: String?, knowsTables: Bool, on connection: PostgresConnection
  ) async throws -> [Int] {
    var renamed: String?
    if knowsTables {
      renamed = try await connection.query(
        "SELECT target_oid::pg_catalog.text AS oid FROM sluice.restore_log WHERE load = $1", [load]
      ).rows.first?.decode("oid")
    }
    let ended = try await connection.query(SQL.holdEnd, [load]).rows
    guard let schema else { return [] }
    var resumed: [Int] = []
    for row in ended {
      let job: Int = try row.decode("job")
      let table = TableName(schema: try row.decode("schema_name"), name: try row.decode("table_name"))
      if try await TimescalePolicy.resume(job, of: table, oid: renamed, schema: schema, on: connection) {
        resumed.append(job)
      } else {
        Log.write(
          .warning, "a job that a hold names is no retention policy of its table, and was left as it is",
          ["load": load, "job": job, "table": table])
      }
    }
    return resumed
  }
}
