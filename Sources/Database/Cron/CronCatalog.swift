package import Foundation
package import Postgres
package import Reporting

/// What a pg_cron server tells, and what is done on it: by the functions of pg_cron alone, never by changes of its tables' rows.
package enum CronCatalog {
  /// Runs `body` with a session in which no name can stand for another than pg_cron's or the catalog's.
  package static func session<Result: Sendable>(
    _ pools: ConnectionPools, _ target: PostgresTarget, _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    do {
      return try await pools.withConnection(to: target) { connection in
        try await connection.query("SET search_path TO pg_catalog, pg_temp")
        do {
          let result = try await body(connection)
          await reset(connection)
          return result
        } catch {
          await reset(connection)
          throw error
        }
      }
    } catch let error as PostgresError {
      throw explained(error)
    }
  }

  /// pg_cron's statements handle names and schedules, no rows: what the server says of them is told as it is.
  package static func explained(_ error: any Error) -> JobError {
    guard case PostgresError.server(let server) = error, !server.isFatal, server.sqlState != "57014" else {
      return JobError(cause: error)
    }
    return told(server)
  }

  /// Other jobs may use the session next. One that fails to is closed.
  private static func reset(_ connection: PostgresConnection) async {
    await Task {
      do {
        try await connection.query("RESET search_path")
      } catch {
        await connection.close()
      }
    }.value
  }

  private static func told(_ error: ServerError) -> JobError {
    switch error.sqlState {
    case "42501":
      return JobError(
        .permissionDenied,
        "\(error.message). `sluice cron check-permissions` tells each right that is missing, with its GRANT")
    case "42P01", "3F000", "42883":
      return JobError(
        .cronNotAvailable,
        "\(error.message): the extension pg_cron is not in this database; name the one that has it as PG_CRON_DATABASE")
    case "55P03", "40001", "40P01": return JobError(cause: PostgresError.server(error))
    default: return JobError(.databaseError, "pg_cron refuses it: \(error.message) (SQLSTATE \(error.sqlState))")
    }
  }

  package static func jobs(on connection: PostgresConnection) async throws -> [CronJob] {
    try await connection.query(SQL.cronJobs).rows.map(CronJob.init)
  }

  /// Makes a job.
  /// - Parameters:
  ///   - job: its id does not count.
  ///   - isOwn: it is for the role that signs in; only a superuser makes one for another.
  ///   - isHere: its database is the one of pg_cron. `cron.schedule` then makes it, which needs no right beside the schema's.
  /// - Returns: its id.
  @discardableResult
  package static func schedule(
    _ job: CronJob, isOwn: Bool, isHere: Bool, on connection: PostgresConnection
  ) async throws -> Int {
    guard isHere, isOwn else {
      // Naming one's own role needs a superuser too.
      return try await connection.query(
        "SELECT cron.schedule_in_database($1, $2, $3, $4, $5, $6::pg_catalog.bool) AS jobid",
        [job.name, job.schedule, job.command, job.database, isOwn ? nil : job.role, "\(job.isActive)"]
      ).rows[0].decode("jobid")
    }
    // The scheduler sees the job when the transaction has ended, in its database and inactive: `cron.schedule` writes
    // cron.database_name into it, which names another database where pg_cron reads this one no more.
    return try await connection.withTransaction { connection in
      let id: Int = try await connection.query(
        "SELECT cron.schedule($1, $2, $3) AS jobid", [job.name, job.schedule, job.command]
      ).rows[0].decode("jobid")
      let given: String = try await connection.query(
        "SELECT database FROM cron.job WHERE jobid = $1::pg_catalog.int8", ["\(id)"]
      ).rows[0].decode("database")
      if given != job.database { try await alter(id, database: job.database, on: connection) }
      if !job.isActive { try await alter(id, active: false, on: connection) }
      return id
    }
  }

  /// Changes what is named of a job.
  package static func alter(
    _ id: Int, schedule: String? = nil, command: String? = nil, database: String? = nil, role: String? = nil,
    active: Bool? = nil, on connection: PostgresConnection
  ) async throws {
    try await connection.query(
      "SELECT cron.alter_job($1::pg_catalog.int8, $2, $3, $4, $5, $6::pg_catalog.bool)",
      ["\(id)", schedule, command, database, role, active.map { "\($0)" }])
  }

  package static func unschedule(_ id: Int, on connection: PostgresConnection) async throws {
    try await connection.query("SELECT cron.unschedule($1::pg_catalog.int8)", ["\(id)"])
  }

  /// Runs, the newest first.
  package static func runs(
    prefix: String, name: String?, onlyFailed: Bool, since: Date?, limit: Int, on connection: PostgresConnection
  ) async throws -> [CronRun] {
    try await connection.query(
      SQL.cronRuns, [prefix, name, "\(onlyFailed)", since.map(text), "\(limit)"]
    ).rows.map(CronRun.init)
  }

  /// The last run of each of `jobs`.
  package static func lastRuns(of jobs: [Int], on connection: PostgresConnection) async throws -> [CronRun] {
    let list = "{\(jobs.map { "\($0)" }.joined(separator: ","))}"
    return try await connection.query(SQL.cronLastRuns, [list, nil]).rows.map(CronRun.init)
  }

  /// The number of the newest run; 0 where there is none.
  package static func newestRun(on connection: PostgresConnection) async throws -> Int {
    try await connection.query("SELECT COALESCE(max(runid), 0) AS runid FROM cron.job_run_details").rows[0].decode(
      "runid")
  }

  /// The names of databases and roles that there are.
  package static func names(on connection: PostgresConnection) async throws -> (
    databases: Set<String>, roles: Set<String>
  ) {
    func all(_ sql: String) async throws -> Set<String> {
      Set(try await connection.query(sql).rows.map { try $0.decode("name") })
    }
    return (
      try await all("SELECT datname::pg_catalog.text AS name FROM pg_catalog.pg_database WHERE datallowconn"),
      try await all("SELECT rolname::pg_catalog.text AS name FROM pg_catalog.pg_roles")
    )
  }

  /// The first run of `job` that is over, of those after the run `last`.
  package static func over(_ job: Int, after last: Int, on connection: PostgresConnection) async throws -> CronRun? {
    try await connection.query(SQL.cronLastRuns, ["{\(job)}", "\(last)"]).rows.first.map(CronRun.init)
  }

  /// Removes one batch of records of runs that ended before `cutoff`.
  /// - Returns: how many.
  package static func prune(
    prefix: String, before cutoff: Date, batch: Int, on connection: PostgresConnection
  ) async throws -> Int {
    try await connection.query(SQL.cronPrune, [prefix, text(cutoff), "\(batch)"]).affectedRows
  }

  private static func text(_ date: Date) -> String { date.ISO8601Format(.init(includingFractionalSeconds: true)) }
}

/// Figures of a job's runs.
package struct CronStatistics: Sendable, Encodable {
  package var name: String
  package var job: Int
  package var runs: Int
  package var failures: Int
  /// Nil where no run has both times.
  package var meanSeconds: Double?
  package var p95Seconds: Double?
  package var longestSeconds: Double?

  enum CodingKeys: String, CodingKey {
    case name, job, runs, failures
    case meanSeconds = "mean_seconds"
    case p95Seconds = "p95_seconds"
    case longestSeconds = "longest_seconds"
  }

  package static func read(
    prefix: String, since: Date?, on connection: PostgresConnection
  ) async throws -> [CronStatistics] {
    try await connection.query(SQL.cronStats, [prefix, since?.ISO8601Format()]).rows.map { row in
      CronStatistics(
        name: try row.decode("jobname"), job: try row.decode("jobid"), runs: try row.decode("runs"),
        failures: try row.decode("failures"), meanSeconds: try row.decodeIfPresent("mean_seconds"),
        p95Seconds: try row.decodeIfPresent("p95_seconds"), longestSeconds: try row.decodeIfPresent("longest_seconds"))
    }
  }
}

/// A job that can never run again as it is.
package struct CronOrphan: Sendable {
  package var job: CronJob
  /// `no_database`, `no_role`, `database_closed` or `no_login`.
  package var reason: String
  /// What it needs is gone, and not only closed.
  package var isForGood: Bool { ["no_database", "no_role"].contains(reason) }

  package static func all(on connection: PostgresConnection) async throws -> [CronOrphan] {
    try await connection.query(SQL.cronOrphans).rows.map {
      CronOrphan(job: try CronJob($0), reason: try $0.decode("reason"))
    }
  }
}
