import Foundation
import Lake
import Postgres

/// The load of one archive, within one transaction: it is all there after the commit, or nothing is.
struct ArchiveLoad: Sendable {
  let context: JobContext
  let progress: JobProgress
  let source: RestoreSource
  let request: RestoreRequest
  /// Is told when the load begins.
  let begun: Flag

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
    // The standby, if there is one, is waited for after the commit: see `Durability`.
    try await connection.query("SET LOCAL synchronous_commit = \(request.copy.synchronousCommitOff ? "off" : "local")")
    // A policy that hides rows from this role would hide those that are to be replaced or counted: then it is an error.
    try await connection.query("SET LOCAL row_security = off")
    // Warnings of triggers may hold row data; and what arrives in mid COPY is then an error.
    try await connection.query("SET LOCAL client_min_messages = error")
    let facts = try await TableFacts.read(table, for: .write, on: connection)

    var loader = ArchiveLoader(
      reader: reader, format: request.copy.options.format, countsRecords: manifest == nil, progress: progress)
    let header = ArchiveHeader(copy: request.copy, facts: facts, manifest: manifest, connection: connection)
    let plan = try LoadPlan(
      fileColumns: try await header.columns(&loader), facts: facts,
      columnsMissing: request.destination.columnsMissing, role: connection.target.user)
    result.warnings += plan.warnings
    if facts.hasAfterTrigger {
      result.warnings.append(
        "the table has triggers that run after rows are stored; what they did to the rows was not looked at")
    }

    let existing = ExistingRows(facts: facts, plan: plan, window: window, destination: request.destination)
    guard try await existing.settle(timeColumn: timeColumn(facts, manifest), on: connection, &result) else {
      result.status = .skipped
      return result
    }
    begun.set()
    result.columnsLoaded = plan.loadedColumns.map(\.text)
    try await pinNames(facts, plan, on: connection)
    let fileRows = try await copy(
      loader, facts, plan, await encoding(manifest, on: connection), on: connection, &result)
    result.csvBytes = await reader.csvBytes
    result.gzipBytes = await reader.gzipBytes
    try await check(reader, against: manifest, rows: fileRows)
    return result
  }

  /// Sends the rows on their way, and gives the number of rows in the file.
  private func copy(
    _ loader: ArchiveLoader, _ facts: TableFacts, _ plan: LoadPlan, _ encoding: ArchiveEncoding?,
    on connection: PostgresConnection, _ result: inout RestoreResult
  ) async throws -> Int {
    guard request.destination.mode == .direct, !plan.needsStaging else {
      let staging = StagingTable(facts: facts, plan: plan, request: request, encoding: encoding)
      return try await staging.load(loader, on: connection, &result)
    }
    let copy = try await connection.copyIn(
      plan.copyStatement(into: facts.table, options: request.copy.options, encoding: encoding, on: connection))
    result.rowsLoaded = try await loader.load(copy)
    return result.rowsLoaded
  }

  /// Makes names among the values (`regclass` and the like) mean what they meant when they were written: the archive has
  /// them with their schema. Other tables keep the role's `search_path`, on which triggers and defaults may rely.
  private func pinNames(_ facts: TableFacts, _ plan: LoadPlan, on connection: PostgresConnection) async throws {
    guard plan.loadedColumns.contains(where: { facts.column($0)?.isName == true }) else { return }
    try await connection.query("SET LOCAL search_path = pg_catalog, pg_temp")
  }

  /// What COPY must be told of the file's encoding; nil for UTF-8. Bytes of no known encoding go as they are into a database
  /// that has none; in another they must be UTF-8, which COPY would not check if it were told the truth.
  private func encoding(_ manifest: ArchiveManifest?, on connection: PostgresConnection) async -> ArchiveEncoding? {
    guard manifest?.encoding == .unknown else { return nil }
    return ArchiveEncoding(ofServer: await connection.serverEncoding) == .unknown ? .unknown : nil
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
  private func timeColumn(_ facts: TableFacts, _ manifest: ArchiveManifest?) -> ColumnName? {
    if let name = manifest.map({ ColumnName($0.window.timeColumn) }), facts.column(name) != nil { return name }
    let configured =
      context.settings.setting(for: table).timeColumn
      ?? context.settings.setting(for: source.archive.table).timeColumn
    return configured.map { ColumnName($0) }
  }

  /// The file is what its manifest says, or the load is rolled back.
  private func check(_ reader: ArchiveReader, against manifest: ArchiveManifest?, rows: Int) async throws {
    guard let manifest else { return }
    let digest = await reader.digest().hex
    guard digest == manifest.sha256 else {
      throw corrupt("its SHA-256 is \(digest), its manifest says \(manifest.sha256)")
    }
    guard rows == manifest.rows else { throw JobError.rowsNotStored(rows, of: manifest.rows) }
  }

  private func corrupt(_ reason: String) -> JobError {
    JobError(
      .unprocessable, code: "archive_corrupt",
      "\(source.path): \(reason); nothing was loaded. Take another copy of the file, or back the day up again")
  }
}
