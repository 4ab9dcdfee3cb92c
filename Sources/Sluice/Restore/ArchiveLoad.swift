import Foundation
import Lake
import Postgres

/// The load of one archive, within one transaction: it is all there after the commit, or nothing is.
struct ArchiveLoad: Sendable {
  let context: JobContext
  let progress: JobProgress
  let source: RestoreSource
  let request: RestoreRequest

  /// The table the rows go to.
  var table: TableName { request.destination.targetTable ?? source.archive.table }

  func run(on connection: PostgresConnection, _ blank: RestoreResult) async throws -> RestoreResult {
    let reader = try await ArchiveReader(source.path, in: source.lake)
    do {
      let result = try await load(reader, on: connection, blank)
      await reader.close()
      return result
    } catch {
      await reader.close()
      throw error
    }
  }

  private func load(
    _ reader: ArchiveReader, on connection: PostgresConnection, _ blank: RestoreResult
  ) async throws -> RestoreResult {
    var result = blank
    let manifest = try await manifest(reader)
    let window = self.window(manifest)
    (result.dateWindow.start, result.dateWindow.end) = window.texts
    if request.copy.synchronousCommitOff { try await connection.query("SET LOCAL synchronous_commit = off") }
    let facts = try await TableFacts.read(table, for: .write, on: connection)

    var loader = ArchiveLoader(reader: reader, format: request.copy.options.format, progress: progress)
    let header = ArchiveHeader(copy: request.copy, connection: connection)
    let plan = try LoadPlan(
      fileColumns: try await header.columns(&loader), facts: facts,
      columnsMissing: request.destination.columnsMissing, role: connection.target.user)
    result.warnings += plan.warnings

    let room = ExistingRows(facts: facts, plan: plan, window: window, destination: request.destination)
    guard try await room.makeWay(timeColumn: timeColumn(facts, manifest), on: connection, &result) else {
      result.status = .skipped
      return result
    }
    result.columnsLoaded = plan.loadedColumns
    let fileRows: Int
    if request.destination.mode == .staging || plan.needsStaging {
      let staging = StagingTable(facts: facts, plan: plan, request: request)
      fileRows = try await staging.load(loader, on: connection, &result)
    } else {
      let copy = try await connection.copyIn(
        plan.copyStatement(into: facts.table, options: request.copy.options, on: connection))
      fileRows = try await loader.load(copy)
      result.rowsLoaded = fileRows
    }
    result.csvBytes = await reader.csvBytes
    result.gzipBytes = await reader.gzipBytes
    try await check(reader, against: manifest, rows: fileRows)
    return result
  }

  /// The manifest beside the file, if there is one.
  private func manifest(_ reader: ArchiveReader) async throws -> ArchiveManifest? {
    let path = try ArchiveName.manifestPath(beside: source.path)
    guard let manifest = try await ArchiveManifest.read(at: path, in: source.lake) else { return nil }
    guard manifest.gzipBytes == reader.entry.length else {
      throw corrupt("it has \(reader.entry.length) bytes, its manifest says \(manifest.gzipBytes)")
    }
    return manifest
  }

  private func window(_ manifest: ArchiveManifest?) -> DayWindow {
    let zone = manifest.flatMap { TimeZone(identifier: $0.window.timeZone) }
    return DayWindow(source.archive.day, in: zone ?? context.settings.timeZone)
  }

  /// The name of the column by which the file's day was cut, where it is known and the table has it.
  private func timeColumn(_ facts: TableFacts, _ manifest: ArchiveManifest?) -> String? {
    if let name = manifest?.window.timeColumn, facts.columns.contains(where: { $0.name == name }) { return name }
    return context.settings.setting(for: table).timeColumn
      ?? context.settings.setting(for: source.archive.table).timeColumn
  }

  /// The file is what its manifest says, or the load is rolled back.
  private func check(_ reader: ArchiveReader, against manifest: ArchiveManifest?, rows: Int) async throws {
    guard let manifest else { return }
    let digest = await reader.digest().hex
    guard digest == manifest.sha256 else {
      throw corrupt("its SHA-256 is \(digest), its manifest says \(manifest.sha256)")
    }
    guard rows == manifest.rows else {
      throw corrupt(
        "\(rows) rows of it were stored, its manifest says \(manifest.rows); a trigger of the table may have dropped some"
      )
    }
  }

  private func corrupt(_ reason: String) -> JobError {
    JobError(
      .unprocessable, code: "archive_corrupt",
      "\(source.path): \(reason); nothing was loaded. Take another copy of the file, or back the day up again")
  }
}
