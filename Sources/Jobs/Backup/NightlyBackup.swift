import Foundation
import Lake

/// The nightly run: yesterday, and every missing day of the look-back, of each table in `BACKUP_TABLES`.
public struct NightlyBackup: Sendable {
  let context: JobContext
  let progress: JobProgress

  /// A run that reports to `progress`.
  public init(_ context: JobContext, progress: JobProgress = JobProgress()) {
    self.context = context
    self.progress = progress
  }

  /// Archives what is missing, yesterday first. Nothing is begun after `deadline`: the host ends the process when a
  /// function outlives its limit, and what was left is missing again the next night.
  /// - Throws: ``JobError`` `not_configured` without tables, `nightly_failed` with the failures, after all was tried.
  public func run(deadline: Date? = nil) async throws -> BackupReport {
    let settings = context.settings
    guard !settings.tables.isEmpty else {
      throw JobError(
        .invalid, code: "not_configured",
        "BACKUP_TABLES is not set; name the tables, such as events.clicks:received_at",
        field: "BACKUP_TABLES")
    }
    let database = try settings.target().database
    await OldFiles(context).remove(database: database)
    let present = try await archivedDays(database)
    let yesterday = Day(context.now(), in: settings.timeZone).adding(days: -1)
    let days = yesterday.adding(days: 1 - settings.lookbackDays).through(yesterday).reversed()
    // Day by day, not table by table: when the time is short, every table has its yesterday.
    let units = days.flatMap { day in
      settings.tables.compactMap { table -> BackupUnit? in
        guard present[table.table]?.contains(day) != true else { return nil }
        return BackupUnit(
          archive: ArchiveName(database: database, table: table.table, day: day), timeColumn: table.timeColumn,
          level: table.compressionLevel ?? settings.gzipLevel, overwrite: false, force: false)
      }
    }
    let now = context.now
    let results = try await BackupJob(context, progress: progress).run(units) { deadline.map { now() < $0 } ?? true }
    let left = units.count - results.count
    if left > 0 {
      Log.write(.warning, "the time is short; days were left for the next run", ["left": left])
    }
    let failures = results.filter { $0.error != nil }
    guard failures.isEmpty else {
      let texts = failures.map { "\($0.table) \($0.date): \($0.error?.cause.code ?? "failed")" }
      throw JobError(
        .failed, code: "nightly_failed",
        "\(failures.count) of \(units.count) table-days failed: \(texts.joined(separator: ", "))")
    }
    return BackupReport(results: results)
  }

  private func archivedDays(_ database: String) async throws -> [TableName: Set<Day>] {
    do {
      return try await ArchiveCatalog(context.lake).days(database: database)
    } catch let error as LakeError {
      throw JobError(cause: error)
    }
  }
}
