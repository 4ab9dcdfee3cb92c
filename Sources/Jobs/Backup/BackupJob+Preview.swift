import Archive
import Database
import Essentials
import Lake
import Postgres
import Reporting
import TableDays

extension BackupJob {
  /// Tells what a backup of `plan` would do, and changes nothing. Rows are estimates of the database's planner, bytes follow from
  /// the last archives of the table.
  /// - Throws: ``JobError`` where the lake or the server cannot be read.
  package func preview(_ plan: BackupPlan) async throws -> BackupPreviewReport {
    do {
      let target = try context.server.target()
      let tables = Set(plan.units.map(\.tableDay.table))
      let archived = try await ArchiveCatalog(context.lake).archives(of: tables, database: target.database)
      var rates: [TableName: Double] = [:]
      for (table, days) in archived { rates[table] = await bytesOfRow(days) }
      let results = try await context.sessions.pools.withConnection(to: target) { [rates] connection in
        try await connection.withTransaction("BEGIN READ ONLY") { connection in
          try await connection.query("SET LOCAL lock_timeout = \(context.sessions.lockTimeout)")
          // As a backup reads.
          try await connection.query("SET LOCAL row_security = off")
          var results: [BackupPreview] = []
          for unit in plan.units {
            try Task.checkCancellation()
            let entry = archived[unit.tableDay.table]?[unit.tableDay.day]
            results.append(try await preview(unit, entry, rates[unit.tableDay.table], on: connection))
          }
          return results
        }
      }
      return BackupPreviewReport(results: results, lake: context.lake.displayURL)
    } catch  where !Task.isCancelled {
      throw JobError(cause: error)
    }
  }

  /// The archives whose manifests are read for the bytes of a row.
  private static let samples = 3

  /// The bytes of gzip that a row of the last archives takes; nil where none tells.
  private func bytesOfRow(_ days: [Day: LakeEntry]) async -> Double? {
    let last = days.keys.sorted().suffix(Self.samples)
    guard let described = try? await ArchiveCatalog(context.lake).described(days.filter { last.contains($0.key) })
    else { return nil }
    let rows = described.values.reduce(0) { $0 + $1.manifest.rows }
    let bytes = described.values.reduce(0) { $0 + $1.manifest.gzipBytes }
    return rows > 0 ? Double(bytes) / Double(rows) : nil
  }

  private func preview(
    _ unit: BackupPlan.Unit, _ entry: LakeEntry?, _ bytesOfRow: Double?, on connection: PostgresConnection
  ) async throws -> BackupPreview {
    var preview = BackupPreview(
      table: unit.tableDay.table, date: unit.tableDay.day, outcome: entry == nil ? .archive : .replace)
    preview.path = entry.map { "\($0.path)" }
    guard entry == nil || unit.overwrite else {
      (preview.outcome, preview.skipped) = (.skip, "exists")
      return preview
    }
    try await connection.query("SAVEPOINT sluice_preview")
    do {
      try await look(at: unit, entry, &preview, on: connection)
      try await connection.query("RELEASE SAVEPOINT sluice_preview")
      if let rows = preview.estimatedRows, let bytesOfRow {
        preview.estimatedGzipBytes = Int(Double(rows) * bytesOfRow)
      }
    } catch  where Self.isOfOneDay(error) {
      try await connection.query("ROLLBACK TO SAVEPOINT sluice_preview")
      preview.outcome = .refuse
      preview.error = JobError(cause: error)
    }
    return preview
  }

  /// Whether the other days can be told of all the same.
  private static func isOfOneDay(_ error: any Error) -> Bool {
    if case PostgresError.server(let error) = error { return !error.isFatal }
    return error is JobError || error is LakeError
  }

  /// Asks the database about the day. Its rows are counted only where an archive would be replaced: whether that is refused depends
  /// on their number.
  private func look(
    at unit: BackupPlan.Unit, _ entry: LakeEntry?, _ preview: inout BackupPreview, on connection: PostgresConnection
  ) async throws {
    let facts = try await unit.facts(on: connection)
    try await facts.refuseRowSecurity(on: connection)
    let column = try await unit.timeColumn(facts, on: connection).column
    let window = unit.window(column.kind, in: options.timeZone)
    let span = try column.span(of: window)
    if let missing = try await facts.missing(of: span, by: column, on: connection) {
      (preview.outcome, preview.skipped) = (.skip, "no \(missing.rawValue)")
      return
    }
    try await facts.refuseUnreadableChunks(of: span, by: column, on: connection)
    let existing = entry == nil ? nil : try await ExistingArchive.find(unit.tableDay, in: context.lake)
    if let existing, let key = unit.key, existing.manifest?.requestKey == key {
      // An earlier attempt of the request has made it.
      (preview.outcome, preview.skipped) = (.skip, "exists")
      return
    }
    let rows = TableRows(facts, by: column, on: connection)
    guard let existing, !unit.force else {
      if existing == nil, !unit.archivesEmpty, try await rows.liesOutside(span) {
        (preview.outcome, preview.skipped) = (.skip, "outside the table's rows")
        return
      }
      let condition = try await column.condition(for: span, on: connection)
      preview.estimatedRows = try await connection.estimatedRows(
        "SELECT FROM \(try await connection.quoted(facts.table)) WHERE \(condition)"
      ).map { Int($0) }
      return
    }
    guard try await !existing.wasUsed(by: context.retention, on: connection) else {
      (preview.outcome, preview.skipped) = (.skip, "used")
      return
    }
    let count = try await rows.count(in: span)
    preview.estimatedRows = count
    try await existing.refuseLoss(
      of: unit.tableDay, rows: count, columns: facts.storedColumns.map(\.name),
      .init(window, timeColumn: column.name.text, span: span), in: context.lake)
  }
}
