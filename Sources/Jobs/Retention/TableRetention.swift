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

  var context: JobContext { job.context }
  var table: TableName { policy.table }

  typealias Described = ArchiveCatalog.DescribedArchive

  /// What is known of the table.
  struct Facts: Sendable {
    let column: TimeColumn
    let zone: TimeZone
    let isHypertable: Bool
    /// The days that each chunk or partition overlaps, by its OID.
    let days: [Int: ClosedRange<Day>]
  }

  /// - Throws: ``JobError``, `LakeError`, `PostgresError` where the units cannot be told.
  func run() async throws -> [RetentionResult] {
    let facts = try await withConnection { try await self.facts(on: $0) }
    let described = try await self.described()
    let units = try await withConnection { try await self.units(facts, described, on: $0) }
    job.progress.update { $0.units += units.count }
    var results: [RetentionResult] = []
    for (unit, plan) in units {
      var result = RetentionResult(unit, of: table, isHypertable: facts.isHypertable)
      result.take(plan)
      if !request.isDryRun, ["droppable", "kept"].contains(plan.outcome), plan.reason == nil || isWorthALook(plan) {
        result = await drop(unit, facts, described, result)
      } else if request.isDryRun, plan.outcome == "droppable" || isWorthALook(plan) {
        tellVerification(of: unit, facts, described, &result)
      }
      job.progress.update { $0.finishedUnits += 1 }
      job.onResult?(result)
      results.append(result)
    }
    return results
  }

  func withConnection<Result: Sendable>(
    _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    try await context.sessions.pools.withConnection(to: target, body)
  }

  /// Whether the unit may go once its archives are read.
  private func isWorthALook(_ plan: RetentionSchema.Outcome) -> Bool { plan.reason == "not_verified" }

  private func facts(on connection: PostgresConnection) async throws -> Facts {
    let facts = try await TableFacts.read(table, for: .read, on: connection)
    let own = job.backup.options(of: table)
    let column = try await facts.timeColumn(
      named: policy.timeColumn.map { ColumnName($0) }, unit: own.unit, remedy: "with sluice retention policy set"
    ).resolved(in: facts, on: connection).column
    let clock = TimeZone(identifier: policy.clock) ?? .gmt
    let zone = column.kind.tellsInstants ? job.backup.timeZone : clock
    let parts = try await facts.parts(overlapping: nil, by: column, on: connection)
    let days = parts.compactMap { part in part.days(by: column, in: zone).map { (part.oid, $0) } }
    return Facts(
      column: column, zone: zone, isHypertable: facts.hypertable != nil,
      days: Dictionary(days) { first, _ in first })
  }

  /// The archives with a manifest that can be read.
  private func described() async throws -> [Day: Described] {
    // Nothing younger is past its keep time; a day is over at most 14 hours after it is in UTC.
    let last = Day(policy.keptFrom.addingTimeInterval(86400), in: .gmt)
    return try await ArchiveCatalog(context.lake).described(archives.filter { $0.key <= last })
  }

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

  /// The units past their keep time, and what the database says of each without a lock. What is known of the archives is written
  /// before; a dry run takes that back.
  private func units(
    _ facts: Facts, _ described: [Day: Described], on connection: PostgresConnection
  ) async throws -> [(RetentionSchema.Unit, RetentionSchema.Outcome)] {
    struct TakenBack: Error { let units: [(RetentionSchema.Unit, RetentionSchema.Outcome)] }
    do {
      return try await connection.withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED") { connection in
        try await schema.forgetAllBut(described.keys, of: table, on: connection)
        let days = described.compactMap { archivedDay($0.key, $0.value, facts.column) }
        try await schema.record(days.sorted { $0.day < $1.day }, of: table, on: connection)
        var units: [(RetentionSchema.Unit, RetentionSchema.Outcome)] = []
        for unit in try await schema.units(of: table, on: connection) {
          let outcome = try await schema.drop(
            unit, of: table, since: nil, dryRun: true, note: "", on: connection)
          units.append((unit, outcome))
        }
        guard !request.isDryRun else { throw TakenBack(units: units) }
        return units
      }
    } catch let planned as TakenBack {
      return planned.units
    }
  }

  /// The days of a unit.
  func days(of unit: RetentionSchema.Unit, _ facts: Facts) -> [Day] {
    switch unit.place {
    case .day(let day): [day]
    case .part(let oid, _): facts.days[oid].map { $0.lowerBound.through($0.upperBound) } ?? []
    }
  }

  /// Says in a plan what a run would do first.
  private func tellVerification(
    of unit: RetentionSchema.Unit, _ facts: Facts, _ described: [Day: Described], _ result: inout RetentionResult
  ) {
    let open = days(of: unit, facts).filter { day in
      described[day].map { archivedDay(day, $0, facts.column)?.verifiedAt == nil } ?? false
    }
    guard let first = open.first, policy.requiresArchive else { return }
    let others = open.count > 1 ? " and \(open.count - 1) more" : ""
    let words = "the archive of \(first)\(others) was not read back as a whole"
    result.keep(
      "not_verified", request.verifies ? "\(words); a run reads it, and drops the unit if all is well" : words)
  }
}
