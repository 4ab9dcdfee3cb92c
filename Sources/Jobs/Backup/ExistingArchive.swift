import Archive
import Essentials
import Lake
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
  func kept(_ tableDay: TableDay) -> BackupResult {
    var result = BackupResult(tableDay, .skipped)
    result.path = "\(entry.path)"
    result.skipped = "exists"
    result.gzipBytes = entry.length
    result.rows = manifest?.rows
    result.sha256 = manifest?.sha256
    return result
  }

  /// Refuses to replace the archive where the new one may lack what it holds: fewer rows, another span or time column, or
  /// fewer columns. It may be the only copy of rows that were dropped meanwhile.
  /// - Returns: warnings, such as that the archive cannot be read.
  /// - Throws: ``JobError`` `fewer_rows`, `archive_differs`; `LakeError`.
  func refuseLoss(
    of tableDay: TableDay, rows: Int, _ description: ArchiveManifest.Description, in lake: any LakeStore
  ) async throws -> [String] {
    let held: (rows: Int, columns: [String])
    if let manifest {
      try refuseOtherSpan(tableDay, manifest.window, description.window)
      held = (manifest.rows, manifest.columns.map(\.name))
    } else {
      do {
        held = try await ArchiveRows.read(entry.path, of: lake)
      } catch let error as JobError where error.code.kind == .unprocessable {
        return ["the existing archive could not be read, so its rows were not counted: \(error.message)"]
      }
    }
    guard rows >= held.rows else {
      throw JobError(
        .fewerRows,
        "the archive of \(tableDay.table) \(tableDay.day) holds \(held.rows) rows, but the table only \(rows); the "
          + "archive was not replaced. Pass \(field: "force") to replace it anyway",
        details: ["archive_rows": .integer(held.rows), "table_rows": .integer(rows)])
    }
    let lost = held.columns.map { ColumnName($0) }.filter { name in
      !description.columns.contains { ColumnName($0.name) == name }
    }
    guard lost.isEmpty else {
      let list = lost.map { JSONValue.string($0.text).brief }.joined(separator: ", ")
      throw differs(
        tableDay, "holds the columns \(list), which the table lacks", ["columns": .array(lost.map { .string($0.text) })]
      )
    }
    return []
  }

  private func refuseOtherSpan(
    _ tableDay: TableDay, _ old: ArchiveManifest.Window, _ new: ArchiveManifest.Window
  ) throws {
    guard ColumnName(old.timeColumn) == ColumnName(new.timeColumn) else {
      throw differs(tableDay, "was made by the column \(old.timeColumn), and this one is made by \(new.timeColumn)")
    }
    guard ArchivedSpan(old) == ArchivedSpan(new) else {
      throw differs(
        tableDay, "holds \(old.start) to \(old.end), and this one would hold \(new.start) to \(new.end)")
    }
  }

  private func differs(_ tableDay: TableDay, _ how: String, _ details: [String: JSONValue] = [:]) -> JobError {
    JobError(
      .archiveDiffers,
      "the archive of \(tableDay.table) \(tableDay.day) \(how); it was not replaced. Pass \(field: "force") to replace it "
        + "anyway", details: details)
  }
}
