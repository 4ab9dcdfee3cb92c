package import Postgres
import Reporting
package import TableDays

extension Hold {
  /// A hold that is over and has not ended.
  package struct Open: Sendable {
    package let load: String
    /// What it holds; nil where that could not be read.
    package var table: TableName?
    /// The first value of the span, and the first one after it.
    package var start = ""
    package var end = ""
    /// Why it has not ended.
    package var reason = ""

    init(_ load: String) { self.load = load }
  }

  /// What became of holds that are over.
  package struct Ended: Sendable {
    /// The jobs that run again.
    package var resumed: [Int] = []
    package var open: [Open] = []
  }

  /// Ends the holds that are over, and has the jobs that were paused for them run again. Each hold is a transaction of its own:
  /// one whose jobs this role may not change stays, and keeps no other from its end.
  /// - Parameter lockTimeout: how long a lock is waited for, in milliseconds.
  package static func endThoseOver(lockTimeout: Int, on connection: PostgresConnection) async throws -> Ended {
    let state = try await RestoreLog.State.read("hold", on: connection)
    var ended = Ended()
    guard state.isUsable, state.mayUpdate else {
      if state.isThere, let flaw = state.flaw("hold", try await connection.currentRole()) {
        Log.write(.warning, "holds that are over are not looked for", ["reason": flaw])
      }
      return ended
    }
    let over: [String] = try await connection.query(SQL.holdsOver).rows.map { try $0.decode("load") }
    guard !over.isEmpty else { return ended }
    let schema: String? = try await connection.query(
      "SELECT pg_catalog.quote_ident(n.nspname) AS name FROM pg_catalog.pg_extension e "
        + "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb'"
    ).rows.first?.decode("name")
    let knowsTables = try await RestoreLog.State.read(on: connection).isUsable
    for load in over {
      do {
        let (resumed, open) = try await connection.withTransaction { connection in
          try await connection.query("SET LOCAL lock_timeout = \(lockTimeout)")
          return try await end(load, schema: schema, knowsTables: knowsTables, on: connection)
        }
        ended.resumed += resumed.filter { !ended.resumed.contains($0) }
        if let open { ended.open.append(open) }
      } catch PostgresError.server(let error) where !error.isFatal {
        var open = Open(load)
        open.reason = "\(error)"
        ended.open.append(open)
      }
    }
    for open in ended.open {
      Log.write(.warning, "a hold that is over was not ended", ["load": open.load, "reason": open.reason])
    }
    return ended
  }

  /// - Parameter knowsTables: `sluice.restore_log` is there, which keeps the OID of the table that was loaded.
  private static func end(
    _ load: String, schema: String?, knowsTables: Bool, on connection: PostgresConnection
  ) async throws -> (resumed: [Int], open: Open?) {
    let state = try await RestoreLog.lock("hold", on: connection)
    guard state.isUsable, state.mayUpdate else {
      var open = Open(load)
      open.reason = try await remedy(state, on: connection)
      return ([], open)
    }
    let rows = try await connection.query(SQL.holdEnd, [load]).rows
    guard let first = rows.first else { return ([], nil) }
    let table = TableName(schema: try first.decode("schema_name"), name: try first.decode("table_name"))
    var oid: String? = try first.decodeIfPresent("oid")
    // Holds of versions before 0.10 have none of their own.
    if oid == nil, knowsTables {
      oid = try await connection.query(
        "SELECT target_oid::pg_catalog.text AS oid FROM sluice.restore_log WHERE load = $1", [load]
      ).rows.first?.decode("oid")
    }
    var resumed: [Int] = []
    var left: [Int] = []
    for row in rows {
      guard let schema, let job: Int = try row.decodeIfPresent("job"), !(resumed + left).contains(job) else { continue }
      if try await TimescalePolicy.resume(job, of: table, oid: oid, schema: schema, on: connection) {
        resumed.append(job)
      } else if try await !connection.query(
        "SELECT FROM timescaledb_information.jobs WHERE job_id = $1::pg_catalog.int4", [String(job)]
      ).rows.isEmpty {
        left.append(job)
      }
    }
    guard !left.isEmpty else {
      try await connection.query(
        "UPDATE sluice.hold SET ended_at = pg_catalog.clock_timestamp() WHERE load = $1", [load])
      return (resumed, nil)
    }
    // A job that runs again may be paused by somebody else before the next look.
    if !resumed.isEmpty {
      try await connection.query(
        "UPDATE sluice.hold SET paused_jobs = $2::pg_catalog.int4[] WHERE load = $1",
        [load, "{\(left.map { String($0) }.joined(separator: ","))}"])
    }
    var open = Open(load)
    open.table = table
    (open.start, open.end) = (try first.decode("first_value"), try first.decode("end_value"))
    open.reason =
      "a job that it names is no retention policy of its table, and was left as it is "
      + "(\(left.map { String($0) }.joined(separator: ", "))); look whether it is to run (SELECT alter_job(id, scheduled => true)), then "
      + "run: UPDATE sluice.hold SET ended_at = now() WHERE load = '\(load.replacing("'", with: "''"))'"
    return (resumed, open)
  }
}
