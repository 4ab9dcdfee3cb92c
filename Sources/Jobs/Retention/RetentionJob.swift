import Archive
import Database
import Essentials
package import Foundation
import Lake
import Postgres
package import Reporting
import TableDays

/// Drops the chunks and partitions, and deletes the days of plain tables, that are past their keep time and proven to be archived.
package struct RetentionJob: Sendable {
  let context: JobContext
  let backup: BackupOptions
  let progress: JobProgress
  let onResult: (@Sendable (RetentionResult) -> Void)?

  /// - Parameters:
  ///   - backup: the time zone of days, and the options of tables.
  ///   - onResult: receives each result as its unit ends.
  package init(
    _ context: JobContext, _ backup: BackupOptions, progress: JobProgress = JobProgress(),
    onResult: (@Sendable (RetentionResult) -> Void)? = nil
  ) {
    self.context = context
    self.backup = backup
    self.progress = progress
    self.onResult = onResult
  }

  /// The schema, and what it says.
  struct Rules: Sendable {
    let schema: RetentionSchema
    let policies: [RetentionSchema.Policy]
    let holds: [RetentionSchema.Hold]
  }

  /// - Throws: ``JobError`` `not_configured` where the database has no retention schema.
  func rules(on connection: PostgresConnection) async throws -> Rules {
    guard let schema = try await RetentionSchema.find(context.retention.schema, on: connection) else { throw notSetUp }
    return Rules(
      schema: schema, policies: try await schema.policies(on: connection), holds: try await schema.holds(on: connection)
    )
  }

  /// Whether the database has the schema with the policies.
  /// - Throws: ``JobError`` `permission_denied`.
  package func isSetUp() async throws -> Bool {
    try await context.sessions.pools.withConnection(to: try context.server.target()) { connection in
      try await RetentionSchema.find(context.retention.schema, on: connection) != nil
    }
  }

  private var notSetUp: JobError {
    JobError(
      .notConfigured,
      "the database has no schema \(context.retention.schema) with retention policies; make it with sluice setup apply --part retention",
      field: "RETENTION_SCHEMA")
  }

  /// - Parameter deadline: when nothing more is begun; what was not begun is told as such.
  /// - Throws: ``JobError`` `not_configured`, `permission_denied`; `LakeError` where the lake cannot be listed; `CancellationError` when
  ///   the job was cut short before it had done anything.
  package func run(_ request: RetentionRequest, deadline: Date? = nil) async throws -> RetentionReport {
    let target = try context.server.target()
    let rules = try await context.sessions.pools.withConnection(to: target) { try await self.rules(on: $0) }
    guard rules.schema.isCurrent else { throw rules.schema.isEarlier }
    let policies = try chosen(request.tables, of: rules.policies)
    let holds = try await context.sessions.pools.withConnection(to: target) { connection in
      var holds: [Int: RetentionSchema.Hold] = [:]
      for policy in policies {
        for hold in try await rules.schema.holds(of: policy.table, on: connection) { holds[hold.id] = hold }
      }
      return holds.values.sorted { $0.id < $1.id }
    }
    var report = RetentionReport(
      database: target.database, lake: context.lakeURL, isDryRun: request.isDryRun,
      holds: holds, policies: policies, results: [], failures: [])
    let audit = LogAudit(context: context, schema: rules.schema, target: target)
    if !request.isDryRun {
      report.auditError = await audit.write()
      // A schema whose log cannot be asked: what is dropped would never be told.
      if let error = report.auditError, error.code == .notConfigured { throw error }
    }
    guard policies.contains(where: \.isEnabled) else { return report }
    let archives = try await ArchiveCatalog(context.lake).archives(
      of: Set(policies.map(\.table)), database: target.database)
    for policy in policies where policy.isEnabled {
      let table = TableRetention(
        job: self, request: request, schema: rules.schema, policy: policy, archives: archives[policy.table] ?? [:],
        target: target, deadline: deadline, audit: audit)
      do {
        report.results += try await table.run()
      } catch {
        guard !Task.isCancelled || !report.results.isEmpty else { throw CancellationError() }
        let failure = JobError.ofTableDay(error)
        Log.write(
          Log.failureLevel, "the retention of a table failed", ["table": policy.table, "reason": failure.message])
        report.failures.append(.init(table: policy.table, error: failure))
      }
      if !request.isDryRun { report.auditError = await audit.write() }
    }
    let limited = policies.filter { $0.isEnabled && $0.archivesKeptFrom != nil }.map(\.table)
    guard !limited.isEmpty, deadline.map({ $0 > context.now() }) ?? true else { return report }
    do {
      report.archives = try await ArchiveRetention(self).run(limited, dryRun: request.isDryRun)
    } catch {
      // What was dropped by then is told all the same.
      guard !report.results.isEmpty else { throw error }
      let failure = Task.isCancelled ? JobError.notBegun(error) : .ofTableDay(error)
      report.failures += limited.map { .init(table: $0, error: failure) }
    }
    return report
  }

  /// The policies of the tables that are asked for.
  /// - Throws: ``JobError`` `table_not_found`.
  private func chosen(_ tables: [TableName], of policies: [RetentionSchema.Policy]) throws -> [RetentionSchema.Policy] {
    guard !tables.isEmpty else { return policies }
    return try tables.map { table in
      guard let policy = policies.first(where: { $0.table == table }) else {
        throw JobError(
          .tableNotFound, "\(table) has no retention policy; make one with sluice retention policy set", field: "table")
      }
      return policy
    }
  }
}
