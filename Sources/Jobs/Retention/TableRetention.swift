import Archive
import Database
import Essentials
import Foundation
import Lake
import Postgres
import Reporting
import TableDays

/// The retention of one table.
struct TableRetention: Sendable {
  let job: RetentionJob
  let request: RetentionRequest
  let schema: RetentionSchema
  let policy: RetentionSchema.Policy
  let archives: [Day: LakeEntry]
  let target: PostgresTarget
  let deadline: Date?
  let audit: LogAudit

  var context: JobContext { job.context }
  var table: TableName { policy.table }

  typealias Described = ArchiveCatalog.DescribedArchive

  /// How many units are dropped, and how many seconds pass, before the audit chain is told.
  private static let unaudited = (units: 100, seconds: 30.0)

  /// What is known of the table.
  struct Facts: Sendable {
    let column: TimeColumn
    let isHypertable: Bool
  }

  /// A unit, and what the database says of it without a lock.
  struct Planned: Sendable {
    let unit: RetentionSchema.Unit
    let outcome: RetentionSchema.Outcome
    /// The days whose archives hold values of its range.
    let days: [Day]
  }

  /// - Throws: ``JobError``, `LakeError`, `PostgresError` where the units cannot be told.
  func run() async throws -> [RetentionResult] {
    let facts = try await withConnection { try await self.facts(on: $0) }
    let described = try await self.described()
    let units = try await withConnection { try await self.units(facts, described, on: $0) }
    job.progress.update { $0.units += units.count }
    var results: [RetentionResult] = []
    var unaudited = 0
    var auditedAt = context.now()
    for planned in units {
      var result = RetentionResult(planned.unit, of: table, isHypertable: facts.isHypertable)
      result.take(planned.outcome)
      if planned.outcome.outcome == "droppable" || planned.outcome.reason == "not_verified" {
        if request.isDryRun {
          tellVerification(of: planned, facts, described, &result)
        } else {
          result = await drop(planned, facts, described, result)
        }
      }
      job.progress.update { $0.finishedUnits += 1 }
      job.onResult?(result)
      results.append(result)
      if result.status == .dropped { unaudited += 1 }
      if unaudited >= Self.unaudited.units
        || unaudited > 0 && context.now().timeIntervalSince(auditedAt) >= Self.unaudited.seconds
      {
        // What cannot be written now is told at the end of the table.
        _ = await audit.write()
        (unaudited, auditedAt) = (0, context.now())
      }
    }
    return results
  }

  func withConnection<Result: Sendable>(
    _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    try await context.sessions.pools.withConnection(to: target, body)
  }

  private func facts(on connection: PostgresConnection) async throws -> Facts {
    let facts = try await TableFacts.read(table, for: .read, on: connection)
    let own = job.backup.options(of: table)
    let column = try await facts.timeColumn(
      named: policy.timeColumn.map { ColumnName($0) }, unit: own.unit, remedy: "with sluice retention policy set"
    ).resolved(in: facts, on: connection).column
    return Facts(column: column, isHypertable: facts.hypertable != nil)
  }

  /// The archives with a manifest that can be read.
  private func described() async throws -> [Day: Described] {
    try await ArchiveCatalog(context.lake).described(archives.filter { $0.key <= last })
  }

  /// Nothing younger is past its keep time: a day is over at most 14 hours after it is in UTC.
  private var last: Day { Day(policy.keptFrom.addingTimeInterval(86400), in: .gmt) }

  /// What the lake tells of an archive now.
  func archivedDay(_ day: Day, _ described: Described, _ column: TimeColumn) -> RetentionSchema.ArchivedDay? {
    let manifest = described.manifest
    guard ColumnName(manifest.window.timeColumn) == column.name, let span = manifest.span(of: column.kind) else {
      return nil
    }
    // What was verified is the file as it was then.
    let isProven = manifest.verifiedAt != nil && manifest.rowsHash != nil && manifest.etag == described.entry.etag
    return .init(
      day: day, timeColumn: column.name, span: span, rows: manifest.rows, rowsHash: manifest.rowsHash,
      sha256: manifest.sha256, path: "\(described.entry.path)", verifiedAt: isProven ? manifest.verifiedAt : nil)
  }

  /// The units past their keep time, and what the database says of each without a lock, if what the manifests say is taken for known.
  private func units(
    _ facts: Facts, _ described: [Day: Described], on connection: PostgresConnection
  ) async throws -> [Planned] {
    struct TakenBack: Error { let units: [Planned] }
    let known = described.compactMap { archivedDay($0.key, $0.value, facts.column) }.sorted { $0.day < $1.day }
    if !request.isDryRun {
      // What was found wrong of the same archive stays so until its rows are compared again.
      let unread = known.map(\.unread)
      try await connection.withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED") { connection in
        try await schema.forgetAllBut(unread.map(\.day), through: last, of: table, on: connection)
        try await schema.record(unread, of: table, on: connection)
      }
    }
    do {
      return try await connection.withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED") { connection in
        try await schema.forgetAllBut(known.map(\.day), through: last, of: table, on: connection)
        try await schema.record(known, of: table, on: connection)
        var units: [Planned] = []
        for unit in try await schema.units(of: table, on: connection) {
          let outcome = try await schema.drop(unit, of: table, since: nil, dryRun: true, note: "", on: connection)
          let days = try await schema.days(of: unit, of: table, by: facts.column, on: connection)
          units.append(Planned(unit: unit, outcome: outcome, days: days))
        }
        if units.isEmpty, let refusal = try await schema.refusal(of: table, on: connection) {
          throw JobError(
            .notConfigured,
            "the policy of \(table) has no effect: the functions of the schema refuse the table (\(refusal)); see docs/retention.md, "
              + "\"In the database\"", field: "table")
        }
        throw TakenBack(units: units)
      }
    } catch let planned as TakenBack {
      return planned.units
    }
  }

  /// Says in a plan what a run would do first.
  private func tellVerification(
    of planned: Planned, _ facts: Facts, _ described: [Day: Described], _ result: inout RetentionResult
  ) {
    let open = planned.days.filter { day in
      described[day].map { archivedDay(day, $0, facts.column)?.verifiedAt == nil } ?? false
    }
    guard let first = open.first, policy.requiresArchive else { return }
    let others = open.count > 1 ? " and \(open.count - 1) more" : ""
    let words = "the archive of \(first)\(others) was not read back as a whole"
    result.keep(
      "not_verified", request.verifies ? "\(words); a run reads it, and drops the unit if all is well" : words)
  }
}
