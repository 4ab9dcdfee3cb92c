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
        try await RestoreLog.create(state.schemaDefinition + [SQL.holdTable], on: connection)
      } catch PostgresError.server(let error) where !error.isFatal {
        Log.write(.warning, "sluice.hold was not created", ["reason": error])
      }
      state = try await RestoreLog.State.read("hold", on: connection)
    }
    try await check(mayMake: false, on: connection)
    guard !state.isComplete, state.isOwned else { return }
    _ = await RestoreLog.add(
      "ADD COLUMN IF NOT EXISTS table_oid pg_catalog.oid", to: "hold", on: connection)
  }

  /// Refuses a hold that cannot be kept, and changes nothing.
  /// - Parameter mayMake: the table may still be made by ``prepare(on:)``, where the role has the right to.
  /// - Throws: ``JobError`` `hold_not_kept` with the SQL that helps.
  package static func check(mayMake: Bool, on connection: PostgresConnection) async throws {
    let state = try await RestoreLog.State.read("hold", on: connection)
    guard !(state.isUsable && state.mayUpdate), !(mayMake && !state.isThere && state.mayCreate) else { return }
    throw JobError(
      .holdNotKept,
      "the role \(try await connection.currentRole()) can neither use nor create sluice.hold, in which the hold is kept; nothing was loaded: "
        + "\(try await remedy(state, on: connection))", field: "keep_until")
  }

  /// Why the role that `connection` has signed in as cannot keep a hold, and the SQL that helps.
  package static func remedy(on connection: PostgresConnection) async throws -> String {
    try await remedy(RestoreLog.State.read("hold", on: connection), on: connection)
  }

  static func remedy(_ state: RestoreLog.State, on connection: PostgresConnection) async throws -> String {
    if let flaw = state.flaw("hold", try await connection.currentRole()) { return flaw }
    let user: String = try await connection.query("SELECT pg_catalog.quote_ident(current_user) AS name").rows[0]
      .decode("name")
    let statements =
      state.schemaDefinition + [
        SQL.withoutComments(SQL.holdTable),
        "GRANT USAGE ON SCHEMA sluice TO \(user)", "GRANT SELECT, INSERT, UPDATE ON sluice.hold TO \(user)",
      ]
    return "as the database's owner run: \(statements.joined(separator: "; "))"
  }

  /// Refuses a table that is there and whose holds cannot be ended.
  /// - Throws: ``JobError`` `hold_not_kept` with the SQL that helps.
  package static func checkEnds(on connection: PostgresConnection) async throws {
    let state = try await RestoreLog.State.read("hold", on: connection)
    guard state.isThere, !(state.isUsable && state.mayUpdate) else { return }
    throw JobError(
      .holdNotKept,
      "sluice.hold is not used, so that it is not known which holds are over: \(try await remedy(state, on: connection))"
    )
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
    let state = try await RestoreLog.lock("hold", on: connection)
    guard state.isUsable, state.mayUpdate else {
      throw JobError(
        .holdNotKept,
        "sluice.hold was changed during the load, so that the hold is not kept; nothing was loaded: "
          + "\(try await remedy(state, on: connection))", field: "keep_until")
    }
    try await connection.query(
      SQL.holdPlace,
      [
        load, table.schema, table.name, span.kind.rawValue, span.start, span.end, end,
        "{\(jobs.map { String($0) }.joined(separator: ","))}", "{\(paused.map { String($0) }.joined(separator: ","))}",
      ])
    if state.isComplete {
      try await connection.query(
        "UPDATE sluice.hold SET table_oid = (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
          + "ON n.oid = c.relnamespace WHERE n.nspname = $2 AND c.relname = $3) WHERE load = $1",
        [load, table.schema, table.name])
    }
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
}
