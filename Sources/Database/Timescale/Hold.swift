package import Postgres
import Reporting
package import TableDays

/// A hold on a span of a table, in `sluice.hold`: until it is over, the program's retention leaves the span alone, and the
/// jobs of TimescaleDB that would drop it may be paused. It is placed in the transaction of the load that asks for it.
package enum Hold {
  /// Makes the table where it is missing and the role may.
  /// - Throws: ``JobError`` `hold_not_kept` with the SQL that helps.
  package static func prepare(on connection: PostgresConnection) async throws {
    if try await !state(on: connection).isThere {
      do {
        try await RestoreLog.create(["CREATE SCHEMA IF NOT EXISTS sluice", SQL.holdTable], on: connection)
      } catch PostgresError.server(let error) where !error.isFatal {
        Log.write(.warning, "sluice.hold was not created", ["reason": error])
      }
    }
    try await check(mayMake: false, on: connection)
  }

  /// Refuses a hold that cannot be kept, and changes nothing.
  /// - Parameter mayMake: the table may still be made by ``prepare(on:)``, where the role has the right to.
  /// - Throws: ``JobError`` `hold_not_kept` with the SQL that helps.
  package static func check(mayMake: Bool, on connection: PostgresConnection) async throws {
    let state = try await state(on: connection)
    guard !state.isUsable, !(mayMake && !state.isThere && state.mayCreate) else { return }
    throw JobError(
      .holdNotKept,
      "the role \(connection.target.user) can neither use nor create sluice.hold, in which the hold is kept; nothing was loaded. "
        + "As the database's owner run: \(try await remedy(on: connection))", field: "keep_until")
  }

  /// The SQL that makes the table and lets the role use it.
  package static func remedy(on connection: PostgresConnection) async throws -> String {
    let user: String = try await connection.query("SELECT pg_catalog.quote_ident(current_user) AS name").rows[0]
      .decode("name")
    let statements = [
      "CREATE SCHEMA IF NOT EXISTS sluice", SQL.withoutComments(SQL.holdTable),
      "GRANT USAGE ON SCHEMA sluice TO \(user)", "GRANT SELECT, INSERT, UPDATE ON sluice.hold TO \(user)",
    ]
    return statements.joined(separator: "; ")
  }

  private static func state(
    on connection: PostgresConnection
  ) async throws -> (isThere: Bool, isUsable: Bool, mayCreate: Bool) {
    let row = try await connection.query(SQL.holdState).rows[0]
    let isThere: Bool = try row.decode("is_there")
    return (isThere, try isThere && row.decode("is_trusted") && row.decode("may_write"), try row.decode("may_create"))
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
      try await TimescalePolicy.pause(job, schema: hypertable.extensionSchema, on: connection)
    }
  }

  /// Ends the holds that are over, and has the jobs that were paused for them run again. Each hold is a transaction of its own:
  /// one whose jobs this role may not change stays, and keeps no other from its end.
  /// - Returns: the numbers of those jobs.
  package static func endThoseOver(on connection: PostgresConnection) async throws -> [Int] {
    guard try await state(on: connection).isUsable else { return [] }
    let over: [String] = try await connection.query(SQL.holdsOver).rows.map { try $0.decode("load") }
    guard !over.isEmpty else { return [] }
    let schema: String? = try await connection.query(
      "SELECT pg_catalog.quote_ident(n.nspname) AS name FROM pg_catalog.pg_extension e "
        + "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb'"
    ).rows.first?.decode("name")
    var resumed: [Int] = []
    for load in over {
      do {
        resumed += try await end(load, schema: schema, on: connection).filter { !resumed.contains($0) }
      } catch PostgresError.server(let error) where !error.isFatal {
        Log.write(.warning, "a hold that is over was not ended", ["load": load, "reason": error])
      }
    }
    return resumed
  }

  private static func end(
    _ load: String, schema: String?, on connection: PostgresConnection
  ) async throws -> [Int] {
    try await connection.withTransaction { connection in
      try await connection.query("SET LOCAL lock_timeout = 10000")
      let jobs: [Int] = try await connection.query(SQL.holdEnd, [load]).rows.map { try $0.decode("job") }
      guard let schema else { return [] }
      for job in jobs { try await TimescalePolicy.resume(job, schema: schema, on: connection) }
      return jobs
    }
  }
}
