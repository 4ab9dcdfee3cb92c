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
      for (table, days) in archived { rates[table] = try await bytesOfRow(days) }
      let results = try await context.sessions.pools.withConnection(to: target) { [rates] connection in
        try await connection.withTransaction("BEGIN READ ONLY") { connection in
          try await connection.query("SET LOCAL lock_timeout = \(context.sessions.lockTimeout)")
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
  private func bytesOfRow(_ days: [Day: LakeEntry]) async throws -> Double? {
    let last = days.keys.sorted().suffix(Self.samples)
    let described = try await ArchiveCatalog(context.lake).described(days.filter { last.contains($0.key) })
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
      preview.outcome = .skip
      return preview
    }
    try await connection.query("SAVEPOINT sluice_preview")
    do {
      let rows = try await estimatedRows(unit, on: connection)
      try await connection.query("RELEASE SAVEPOINT sluice_preview")
      preview.estimatedRows = rows.map { Int($0) }
      if let rows, let bytesOfRow { preview.estimatedGzipBytes = Int(rows * bytesOfRow) }
    } catch let error as JobError {
      try await connection.query("ROLLBACK TO SAVEPOINT sluice_preview")
      preview.outcome = .refuse
      preview.error = error
    } catch PostgresError.server(let error) where !error.isFatal {
      try await connection.query("ROLLBACK TO SAVEPOINT sluice_preview")
      preview.outcome = .refuse
      preview.error = JobError(cause: PostgresError.server(error))
    }
    return preview
  }

  /// The planner's estimate of the day's rows.
  private func estimatedRows(_ unit: BackupPlan.Unit, on connection: PostgresConnection) async throws -> Double? {
    let facts = try await TableFacts.read(
      unit.tableDay.table, for: .read, allowsView: unit.options.allowsView ?? false, on: connection)
    let column = try await facts.timeColumn(
      named: unit.timeColumn, unit: unit.options.unit, remedy: TableDayBackup.timeColumnRemedy
    ).resolved(in: facts, on: connection).column
    let zone = column.kind.tellsInstants ? options.timeZone : unit.clock
    let condition = try await column.condition(
      for: column.span(of: DayWindow(unit.tableDay.day, in: zone)), on: connection)
    return try await connection.estimatedRows(
      "SELECT FROM \(try await connection.quoted(facts.table)) WHERE \(condition)")
  }
}
