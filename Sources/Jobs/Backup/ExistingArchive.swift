import Archive
import Database
import Essentials
import Lake
import Postgres
import Reporting
import TableDays

/// What a backup knows of the archive that a table-day has already, in either layout.
struct ExistingArchive: Sendable {
  let entry: LakeEntry
  /// Nil when there is none, it cannot be read, or it describes another file.
  let manifest: ArchiveManifest?

  /// The archive of `tableDay`; nil when there is none.
  /// - Throws: `LakeError`.
  static func find(_ tableDay: TableDay, in lake: any LakeStore) async throws -> ExistingArchive? {
    guard let entry = try await tableDay.archive(in: lake) else { return nil }
    do {
      return ExistingArchive(entry: entry, manifest: try await ArchiveManifest.find(for: entry, in: lake).manifest)
    } catch let error as JobError where error.code == .manifestUnreadable {
      return ExistingArchive(entry: entry, manifest: nil)
    }
  }

  /// The result of a backup that keeps the archive.
  /// - Parameters:
  ///   - timeColumn: the column that the request or the settings name.
  ///   - window: the day in `BACKUP_TIMEZONE`, to which the archive's is compared.
  func kept(_ tableDay: TableDay, by timeColumn: ColumnName?, _ window: DayWindow?) -> BackupResult {
    var result = BackupResult(tableDay, .skipped)
    result.path = "\(entry.path)"
    result.skipped = "exists"
    result.gzipBytes = entry.length
    result.rows = manifest?.rows
    result.sha256 = manifest?.sha256
    guard let manifest else { return result }
    if let timeColumn, manifest.extent.timeColumn != timeColumn {
      result.warnings.append("the archive was made by the column \(manifest.window.timeColumn), not by \(timeColumn)")
    } else if let window, manifest.timeKind?.tellsInstants == true, !manifest.extent.isOf(window) {
      result.warnings.append(
        "the archive holds \(manifest.window.start) to \(manifest.window.end): BACKUP_TIMEZONE was another then")
    }
    return result
  }

  /// The result where an earlier attempt of the request with `key` has made the archive; nil where it has not. The rest is as
  /// of ``kept(_:by:_:)``.
  func result(
    ofAttempt key: String, _ tableDay: TableDay, by timeColumn: ColumnName?, _ window: DayWindow?
  ) -> BackupResult? {
    guard manifest?.requestKey == key else { return nil }
    var result = kept(tableDay, by: timeColumn, window)
    result.warnings.append("an earlier attempt of this request, with the same key, has made the archive")
    return result
  }

  /// Whether the retention has dropped rows because the archive holds them, as far as the database knows.
  /// - Throws: ``JobError`` `not_configured`, or `permission_denied` where its schema is there and cannot be asked.
  func wasUsed(by retention: RetentionOptions, on connection: PostgresConnection) async throws -> Bool {
    guard let manifest, manifest.rows > 0, let schema = try await RetentionSchema.find(retention.schema, on: connection)
    else { return false }
    return try await schema.wasUsed(sha256: manifest.sha256, on: connection)
  }

  /// The lengths that the file of a replacement must not have: the archive's, and those in the manifests beside it. A
  /// replacement that is cut off is told from the archive before it by its length.
  func lengths(in lake: any LakeStore) async throws -> Set<Int> {
    try await ArchiveManifest.lengths(beside: entry, in: lake)
  }

  /// Refuses to replace the archive where the new one may lack what it holds: fewer rows, another span or time column, or
  /// fewer columns. It may be the only copy of rows that were dropped meanwhile.
  /// - Parameters:
  ///   - rows: of the new one, as are `columns` and `window`.
  /// - Throws: ``JobError`` `fewer_rows`, `archive_differs`; `LakeError`.
  func refuseLoss(
    of tableDay: TableDay, rows: Int, columns: [ColumnName], _ window: ArchiveManifest.Window, in lake: any LakeStore
  ) async throws {
    let held: (rows: Int, columns: [String])
    if let manifest {
      try refuseOtherSpan(tableDay, manifest, window)
      held = (manifest.rows, manifest.columns.map(\.name))
    } else {
      do {
        held = try await ArchiveRows.read(entry.path, of: lake)
      } catch let error as JobError where error.code.kind == .unprocessable {
        throw differs(tableDay, "cannot be read (\(error.code.rawValue)), so that what it holds is not known")
      }
    }
    guard rows >= held.rows else {
      throw JobError(
        .fewerRows,
        "the archive of \(tableDay.table) \(tableDay.day) holds \(held.rows) rows, but the table only \(rows); the "
          + "archive was not replaced. Pass \(field: "force") to replace it anyway",
        details: ["archive_rows": .integer(held.rows), "table_rows": .integer(rows)])
    }
    let lost = held.columns.map { ColumnName($0) }.filter { !columns.contains($0) }
    guard lost.isEmpty else {
      let list = lost.map { JSONValue.string($0.text).brief }.joined(separator: ", ")
      throw differs(
        tableDay, "holds the columns \(list), which the table lacks", ["columns": .array(lost.map { .string($0.text) })]
      )
    }
    guard manifest != nil else { throw differs(tableDay, "has no manifest that says which span it holds") }
  }

  private func refuseOtherSpan(
    _ tableDay: TableDay, _ old: ArchiveManifest, _ new: ArchiveManifest.Window
  ) throws {
    let (extent, wanted) = (old.extent, new.extent)
    guard extent.timeColumn == wanted.timeColumn else {
      throw differs(
        tableDay, "was made by the column \(extent.timeColumn), and this one is made by \(wanted.timeColumn)")
    }
    if let kind = extent.kind, kind != wanted.kind {
      throw differs(tableDay, "was made while \(extent.timeColumn) was of type \(kind.rawValue)")
    }
    if let unit = extent.unit, let other = wanted.unit, unit != other {
      throw differs(tableDay, "was made while \(extent.timeColumn) was said to count \(unit.rawValue)")
    }
    guard extent == wanted else {
      throw differs(
        tableDay,
        "holds \(old.window.start) to \(old.window.end), and this one would hold \(new.start) to \(new.end)"
      )
    }
  }

  private func differs(_ tableDay: TableDay, _ how: String, _ details: [String: JSONValue] = [:]) -> JobError {
    JobError(
      .archiveDiffers,
      "the archive of \(tableDay.table) \(tableDay.day) \(how); it was not replaced. Pass \(field: "force") to replace it "
        + "anyway", details: details)
  }
}
