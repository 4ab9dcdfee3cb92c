import Archive
package import Database
package import Essentials
import Postgres
import Reporting
package import TableDays

/// Changes policies and holds, which the database logs, and writes a line into the audit chain for each change.
package struct RetentionAdministration: Sendable {
  private let job: RetentionJob

  package init(_ job: RetentionJob) {
    self.job = job
  }

  /// What the database has.
  package struct Listing: Sendable, Encodable {
    package let database: String
    package let holds: [RetentionSchema.Hold]
    package let policies: [RetentionSchema.Policy]
  }

  /// What was done.
  package struct Done: Sendable, Encodable {
    package let status = "ok"
    /// Of a hold that was placed.
    package var hold: Int?
    package var warnings: [String]
  }

  private func with<Result: Sendable>(
    _ body: @Sendable (RetentionJob.Rules, PostgresConnection) async throws -> Result
  ) async throws -> Result {
    try await job.context.sessions.pools.withConnection(to: try job.context.server.target()) { connection in
      let rules = try await job.rules(on: connection)
      return try await body(rules, connection)
    }
  }

  /// - Throws: ``JobError`` `not_configured`.
  package func list() async throws -> Listing {
    let database = try job.context.server.target().database
    return try await with { rules, _ in Listing(database: database, holds: rules.holds, policies: rules.policies) }
  }

  /// - Throws: ``JobError`` `not_configured`, `missing_field`, `bad_field`, `permission_denied`.
  package func set(_ change: RetentionSchema.PolicyChange, of table: TableName, note: String?) async throws -> Done {
    try await with { rules, connection in
      let present = rules.policies.first { $0.table == table }
      guard change.keep != nil || present != nil else {
        throw JobError(
          .missingField, "missing: \(table) has no policy yet; expected an interval such as 30 days", field: "keep")
      }
      try await Self.explaining(table) {
        try await rules.schema.set(change, of: table, note: note, on: connection)
      }
    }
    return await done()
  }

  /// - Throws: ``JobError`` `not_configured`, `table_not_found`, `permission_denied`.
  package func removePolicy(of table: TableName, note: String?) async throws -> Done {
    let removed = try await with { rules, connection in
      try await Self.explaining(table) {
        try await rules.schema.removePolicy(of: table, note: note, on: connection)
      }
    }
    guard removed else { throw JobError(.tableNotFound, "\(table) has no retention policy", field: "table") }
    return await done()
  }

  /// - Parameters:
  ///   - from: the first day, in `BACKUP_TIMEZONE`; nil is no bound.
  ///   - to: the last day, included.
  ///   - until: when the hold ends, as PostgreSQL reads it; nil is never.
  /// - Throws: ``JobError`` `not_configured`, `bad_field`, `permission_denied`.
  package func hold(
    _ table: TableName, reason: String, from: Day?, to: Day?, until: String?
  ) async throws -> Done {
    let zone = job.backup.timeZone
    let start = from.map { DayWindow($0, in: zone).texts.start }
    let end = to.map { DayWindow($0, in: zone).texts.end }
    let id = try await with { rules, connection in
      try await Self.explaining(table) {
        try await rules.schema.hold(table, reason: reason, until: until, from: start, to: end, on: connection)
      }
    }
    var done = await done()
    done.hold = id
    return done
  }

  /// - Throws: ``JobError`` `not_configured`, `bad_field`, `permission_denied`.
  package func release(hold id: Int, note: String?) async throws -> Done {
    try await with { rules, connection in
      guard rules.holds.contains(where: { $0.id == id }),
        try await rules.schema.release(hold: id, note: note, on: connection)
      else { throw JobError(.badField, "there is no hold \(id) that has not ended", field: "hold") }
    }
    return await done()
  }

  /// The newest entries of the log, the newest first.
  /// - Throws: ``JobError`` `not_configured`.
  package func log(of table: TableName?, limit: Int) async throws -> [JSONValue] {
    try await with { rules, connection in try await rules.schema.log(of: table, limit: limit, on: connection) }
      .map { try JSONValue(parsing: Array($0.utf8)) }
  }

  /// Tells the audit chain of what the log has by now.
  private func done() async -> Done {
    let error: JobError?
    do {
      let target = try job.context.server.target()
      let schema = try await with { rules, _ in rules.schema }
      error = await LogAudit(context: job.context, schema: schema, target: target).write()
    } catch {
      // What was asked for is done.
      return Done(warnings: [Self.untold(JobError(cause: error))])
    }
    return Done(warnings: error.map { [Self.untold($0)] } ?? [])
  }

  private static func untold(_ error: JobError) -> String {
    "the audit chain has no line of it; the next retention run writes it: \(error.message)"
  }

  /// Turns what the functions of the schema refuse into errors. Their words name no rows.
  private static func explaining<Result>(_ table: TableName, _ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch PostgresError.server(let error)
      where ["22023", "22007", "22008", "22P02", "23514"].contains(error.sqlState)
    {
      throw JobError(.badField, "\(table): \(error.message)", field: nil)
    } catch PostgresError.server(let error) where error.sqlState == "42501" {
      throw JobError(
        .permissionDenied,
        "\(error.message); it takes EXECUTE on the function and USAGE on the table's schema, as sluice setup apply --part retention --policies-by ROLE "
          + "grants them")
    } catch PostgresError.server(let error) where error.sqlState == "42P01" {
      throw JobError(.tableNotFound, "there is no table \(table)", field: "table")
    }
  }
}
