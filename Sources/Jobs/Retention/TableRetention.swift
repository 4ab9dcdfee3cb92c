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
    /// The relation's OID. Another one may have the name later.
    let oid: Int
    let column: TimeColumn
    let isHypertable: Bool
  }

  /// A unit past its keep time.
  struct Due: Sendable {
    let unit: RetentionSchema.Unit
    /// The days whose archives hold values of its range.
    let days: [Day]
  }

  /// - Throws: ``JobError``, `LakeError`, `PostgresError` where the units cannot be told.
  func run() async throws -> [RetentionResult] {
    let facts = try await withConnection { try await self.facts(on: $0) }
    let described = try await self.described()
    let known = described.compactMap { archivedDay($0.key, $0.value, facts) }.sorted { $0.day < $1.day }
    let units = try await withConnection { try await self.due(facts, known, on: $0) }
    job.progress.update { $0.units += units.count }
    var results: [RetentionResult] = []
    var unaudited = 0
    var auditedAt = context.now()
    for due in units {
      let result = await result(of: due, facts, known, described)
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

  private func result(
    of due: Due, _ facts: Facts, _ known: [RetentionSchema.ArchivedDay], _ described: [Day: Described]
  ) async -> RetentionResult {
    var result = RetentionResult(due.unit, of: table, isHypertable: facts.isHypertable)
    do {
      try Task.checkCancellation()
      _ = try context.patience(until: deadline)
      result.take(try await withConnection { try await self.outlook(of: due, facts, known, on: $0) })
    } catch {
      fail(&result, error)
      return result
    }
    guard result.status == .droppable || result.reason == "not_verified" else { return result }
    guard !request.isDryRun else {
      tellVerification(of: due, facts, described, &result)
      return result
    }
    return await drop(due, facts, described, result)
  }

  /// Takes down why nothing became of a unit.
  func fail(_ result: inout RetentionResult, _ error: any Error) {
    if Task.isCancelled || error is Admission.NoTurn {
      result.status = .notBegun
      result.error = .notBegun(error)
    } else {
      result.status = .failed
      result.error = .ofTableDay(error)
      result.reason = result.error?.code.rawValue
    }
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
    return Facts(oid: facts.oid, column: column, isHypertable: facts.hypertable != nil)
  }

  /// The archives with a manifest that can be read.
  private func described() async throws -> [Day: Described] {
    try await ArchiveCatalog(context.lake).described(archives.filter { $0.key <= last })
  }

  /// Nothing younger is past its keep time: a day is over at most 14 hours after it is in UTC.
  private var last: Day { Day(policy.keptFrom.addingTimeInterval(86400), in: .gmt) }

  /// What the lake tells of an archive now, taken for one of the table.
  func archivedDay(_ day: Day, _ described: Described, _ facts: Facts) -> RetentionSchema.ArchivedDay? {
    let (manifest, column) = (described.manifest, facts.column)
    guard ColumnName(manifest.window.timeColumn) == column.name, let span = manifest.span(of: column.kind) else {
      return nil
    }
    // What was verified is the file as it was then.
    let isProven = manifest.verifiedAt != nil && manifest.rowsHash != nil && manifest.etag == described.entry.etag
    return .init(
      day: day, timeColumn: column.name, span: span, rows: manifest.rows, rowsHash: manifest.rowsHash,
      sha256: manifest.sha256, path: "\(described.entry.path)", verifiedAt: isProven ? manifest.verifiedAt : nil,
      tableOID: facts.oid)
  }

  /// Ends a transaction without keeping anything of it.
  private struct TakenBack<Result: Sendable>: Error {
    let result: Result
  }

  /// Runs `body` where the database knows of the table's archives what the manifests say, and of `days` alone; nothing of that is kept.
  private func believing<Result: Sendable>(
    _ known: [RetentionSchema.ArchivedDay], of days: [Day], on connection: PostgresConnection,
    _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    do {
      return try await connection.withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED") { connection in
        try await schema.forgetAllBut(known.map(\.day), through: last, of: table, on: connection)
        try await schema.record(known.filter { days.contains($0.day) }, of: table, on: connection)
        throw TakenBack(result: try await body(connection))
      }
    } catch let taken as TakenBack<Result> {
      return taken.result
    }
  }

  /// The units past their keep time.
  private func due(
    _ facts: Facts, _ known: [RetentionSchema.ArchivedDay], on connection: PostgresConnection
  ) async throws -> [Due] {
    if !request.isDryRun {
      // What was found wrong of the same archive stays so until its rows are compared again.
      let unread = known.map(\.unread)
      try await connection.withTransaction("BEGIN ISOLATION LEVEL READ COMMITTED") { connection in
        try await schema.forgetAllBut(unread.map(\.day), through: last, of: table, on: connection)
        try await schema.record(unread, of: table, on: connection)
      }
    }
    return try await believing(known, of: known.map(\.day), on: connection) { connection in
      var units: [Due] = []
      for unit in try await schema.units(of: facts.oid, on: connection) {
        units.append(
          Due(unit: unit, days: try await schema.days(of: unit, of: table, by: facts.column, on: connection)))
      }
      if units.isEmpty, let refusal = try await schema.refusal(of: facts.oid, on: connection) {
        throw JobError(
          .notConfigured,
          "the policy of \(table) has no effect: the functions of the schema refuse the table (\(refusal)); see docs/retention.md, "
            + "\"In the database\"", field: "table")
      }
      return units
    }
  }

  /// What the database says of a unit without a lock, if what the manifests say is taken for known. The transaction is this unit's
  /// alone: backups wait for it before they write what they have archived of the same days.
  private func outlook(
    of due: Due, _ facts: Facts, _ known: [RetentionSchema.ArchivedDay], on connection: PostgresConnection
  ) async throws -> RetentionSchema.Outcome {
    try await believing(known, of: due.days, on: connection) { connection in
      try await schema.drop(due.unit, of: facts.oid, since: nil, dryRun: true, note: "", on: connection)
    }
  }

  /// Says in a plan what a run would do first.
  private func tellVerification(
    of due: Due, _ facts: Facts, _ described: [Day: Described], _ result: inout RetentionResult
  ) {
    let open = due.days.filter { day in
      described[day].map { archivedDay(day, $0, facts)?.verifiedAt == nil } ?? false
    }
    guard let first = open.first, policy.requiresArchive else { return }
    let others = open.count > 1 ? " and \(open.count - 1) more" : ""
    let words = "the archive of \(first)\(others) was not read back as a whole"
    result.keep(
      "not_verified", request.verifies ? "\(words); a run reads it, and drops the unit if all is well" : words)
  }
}
