import Essentials
import Foundation
import Lake
import Postgres

/// Archives table-days.
public struct BackupJob: Sendable {
  let context: JobContext
  let progress: JobProgress

  /// A job that reports to `progress`.
  public init(_ context: JobContext, progress: JobProgress = JobProgress()) {
    self.context = context
    self.progress = progress
  }

  /// Archives all table-days of `request`, `BACKUP_CONCURRENCY` at a time. One that fails does not stop the others.
  /// - Throws: ``JobError`` for a request that cannot be carried out at all; `CancellationError`.
  public func run(_ request: BackupRequest) async throws -> BackupReport {
    let database = try context.settings.target().database
    let today = Day(context.now(), in: context.settings.timeZone)
    let zone = DayWindow(today, in: context.settings.timeZone).timeZoneName
    guard request.to < today else {
      let code = request.to == today ? "day_not_over" : "date_in_future"
      let field = request.from == request.to ? "date" : "to"
      throw JobError(
        .invalid, code: code,
        "\(field): \(request.to) is not over yet in \(zone), where it is \(today); the last "
          + "day that can be archived is \(today.adding(days: -1))", field: field)
    }
    let units = request.tables.flatMap { table in
      request.from.through(request.to).map { day in
        let configured = context.settings.setting(for: table.table)
        return BackupUnit(
          archive: ArchiveName(database: database, table: table.table, day: day),
          timeColumn: table.timeColumn ?? configured.timeColumn,
          level: request.compressionLevel ?? table.compressionLevel ?? configured.compressionLevel
            ?? context.settings.gzipLevel,
          overwrite: request.overwrite, force: request.force)
      }
    }
    return BackupReport(results: try await run(units))
  }

  /// Archives `units`; a unit is no longer begun once `mayBegin` says no, and its result is then missing.
  func run(_ units: [BackupUnit], mayBegin: @Sendable () -> Bool = { true }) async throws -> [BackupResult] {
    progress.update { $0.units += units.count }
    return try await CancellationGrace.shared { try await runAll(units, mayBegin: mayBegin) }
  }

  private func runAll(_ units: [BackupUnit], mayBegin: @Sendable () -> Bool) async throws -> [BackupResult] {
    var results = [BackupResult?](repeating: nil, count: units.count)
    try await withThrowingTaskGroup(of: (Int, BackupResult).self) { group in
      var next = 0
      func begin() {
        guard next < units.count, mayBegin() else { return }
        let index = next
        next += 1
        group.addTask { (index, try await result(of: units[index])) }
      }
      // More units than connections would only wait for one, and not for long.
      for _ in 0..<min(context.settings.concurrency, context.settings.pgPoolMaximum) { begin() }
      for try await (index, result) in group {
        results[index] = result
        progress.update { $0.finishedUnits += 1 }
        begin()
      }
    }
    return results.compactMap(\.self)
  }

  /// Archives one unit and turns its failure into a result; only a cancelled job throws.
  private func result(of unit: BackupUnit) async throws -> BackupResult {
    let archive = unit.archive
    let clock = ContinuousClock()
    let start = clock.now
    var result = BackupResult(
      status: .failed, database: archive.database, table: "\(archive.table)", date: archive.day)
    do {
      result = try await self.archive(unit, result)
    } catch  where Task.isCancelled {
      throw CancellationError()
    } catch {
      let error = JobError(cause: error)
      result.error = JobFailure(error)
      Log.write(.error, "backup failed", ["archive": archive, "code": error.code, "reason": error.message])
    }
    result.seconds = start.duration(to: clock.now).secondsToMilliseconds
    if let error = result.error?.cause, result.status == .unconfirmed {
      Log.write(.error, "backup unconfirmed", ["archive": archive, "code": error.code, "reason": error.message])
    } else if result.status != .failed {
      Log.write(
        .info, "backup \(result.status.rawValue)",
        [
          "archive": archive, "rows": result.rows ?? 0, "gzip_bytes": result.gzipBytes ?? 0,
          "seconds": result.seconds ?? 0,
        ])
    }
    return result
  }

  private func archive(_ unit: BackupUnit, _ blank: BackupResult) async throws -> BackupResult {
    progress.update { $0.subject = "\(unit.archive.table) \(unit.archive.day)" }
    let session = TableSession(
      context: context, progress: progress, target: try context.settings.target(database: unit.archive.database),
      archive: unit.archive, table: unit.archive.table, access: .read
    ) { try await rowsToRead(unit, on: $0) }
    let unpublished = UnpublishedFile()
    do {
      return try await session.run { _ in
        unit.overwrite ? nil : try await existing(unit, blank)
      } work: { connection, begun in
        // A policy that hides rows from this role would make an archive that lacks them: then it is an error.
        try await connection.query("SET LOCAL row_security = off")
        // Names among the values (`regclass`) are then written with their schema.
        try await connection.query("SET LOCAL search_path = pg_catalog, pg_temp")
        return try await archive(unit, on: connection, begun, unpublished)
      } finish: { _, archived in
        // The transaction is over: whatever becomes of the session now, it decides nothing.
        try await publish(unit, blank, archived)
      }
    } catch {
      throw JobError.adding(await unpublished.discard(), to: error)
    }
  }

  /// A SELECT of no rows of the unit's day: what it locks is what the COPY reads.
  private func rowsToRead(_ unit: BackupUnit, on connection: PostgresConnection) async throws -> String {
    let facts = try await TableFacts.read(unit.archive.table, for: .read, on: connection)
    let column = try facts.timeColumn(named: unit.timeColumn.map { ColumnName($0) }, remedy: Self.timeColumnRemedy)
    let condition = try await column.condition(
      for: DayWindow(unit.archive.day, in: context.settings.timeZone), on: connection)
    return "SELECT FROM \(try await connection.quoted(facts.table)) WHERE \(condition) LIMIT 0"
  }

  private static let timeColumnRemedy = "as time_column in the request"

  /// The result where an archive is there already, which costs no wait for the table.
  private func existing(_ unit: BackupUnit, _ blank: BackupResult) async throws -> BackupResult? {
    let path = try unit.archive.path
    guard let existing = try await context.lake.properties(of: path) else { return nil }
    var result = blank
    result.path = "\(path)"
    result.status = .skipped
    result.skipped = "exists"
    result.gzipBytes = existing.length
    let manifest = try await trustedManifest(of: unit.archive, existing)
    result.rows = manifest?.rows
    result.sha256 = manifest?.sha256
    return result
  }

  /// A closed file at its temporary path, with all that is known of it.
  private struct Archived: Sendable {
    let writer: any LakeWriter
    let manifest: ArchiveManifest
    /// The archive that it replaces.
    let existing: LakeEntry?
  }

  private func archive(
    _ unit: BackupUnit, on connection: PostgresConnection, _ begun: Flag, _ unpublished: UnpublishedFile
  ) async throws -> Archived {
    let facts = try await TableFacts.read(unit.archive.table, for: .read, on: connection)
    let timeColumn = try facts.timeColumn(
      named: unit.timeColumn.map { ColumnName($0) }, remedy: Self.timeColumnRemedy)
    // Without `overwrite` it was looked for under the lock, and is not there.
    let existing = unit.overwrite ? try await context.lake.properties(of: unit.archive.path) : nil
    let window = DayWindow(unit.archive.day, in: context.settings.timeZone)
    begun.set()
    let writer = try await context.lake.makeWriter(temporary: unit.archive.temporaryPath)
    unpublished.set(writer)
    let manifest = try await copy(unit, facts, timeColumn, window, to: writer, on: connection)
    return Archived(writer: writer, manifest: manifest, existing: existing)
  }

  private func publish(_ unit: BackupUnit, _ blank: BackupResult, _ archived: Archived) async throws -> BackupResult {
    var result = blank
    result.path = "\(try unit.archive.path)"
    let manifest = archived.manifest
    if let existing = archived.existing, !unit.force {
      try await refuseFewerRows(unit.archive, existing, rows: manifest.rows, &result)
    }
    let outcome = try await ArchivePublication(
      archive: unit.archive, writer: archived.writer, manifest: manifest, existing: archived.existing,
      lake: context.lake
    ).perform()
    result.warnings += outcome.warnings
    result.status = outcome.doubt == nil ? .ok : .unconfirmed
    if let doubt = outcome.doubt { result.error = JobFailure(JobError(cause: doubt)) }
    result.rows = manifest.rows
    result.csvBytes = manifest.csvBytes
    result.gzipBytes = manifest.gzipBytes
    result.sha256 = manifest.sha256
    return result
  }

  private func copy(
    _ unit: BackupUnit, _ facts: TableFacts, _ timeColumn: TimeColumn, _ window: DayWindow, to writer: any LakeWriter,
    on connection: PostgresConnection
  ) async throws -> ArchiveManifest {
    let columns = facts.storedColumns
    let files = try await TableFiles.read(facts, on: connection)
    let names = try await connection.quoted(columns.map(\.name))
    let table = try await connection.quoted(facts.table)
    let condition = try await timeColumn.condition(for: window, on: connection)
    let select = "SELECT \(names) FROM \(table) WHERE \(condition)"
    let estimate = try await connection.estimatedRows(select)
    let encoding = ArchiveEncoding(ofServer: await connection.serverEncoding)
    let copy = try await connection.copyOut(
      "COPY (\(select)) TO STDOUT WITH (FORMAT csv, HEADER true, ENCODING '\(encoding.rawValue)')")
    let totals = try await ArchiveWriter(
      writer: writer, level: unit.level, progress: progress, estimatedRows: estimate
    ).write(copy)
    // Published only when the server's own count, the rows that came through and the bytes that lie in the lake agree.
    let reported = await copy.reportedRows()
    guard reported == totals.rows else {
      throw JobError(
        .failed, code: "row_count_mismatch",
        "the server copied \(reported.map(String.init) ?? "an unknown number of") rows, \(totals.rows) arrived; "
          + "nothing was published, run the backup again")
    }
    guard try await TableFiles.read(facts, on: connection) == files else { throw TableFiles.changed(facts.table) }
    let digest = try await writer.close()
    guard digest.length == totals.gzipBytes else {
      throw JobError(
        .failed, code: "length_mismatch",
        "\(totals.gzipBytes) bytes were written, the lake holds \(digest.length); nothing was published, run the backup again"
      )
    }
    let snapshot = try await connection.query(
      "SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text AS snapshot, "
        + "pg_catalog.current_setting('server_version') AS version"
    ).rows[0]
    let (start, end) = window.texts
    return ArchiveManifest(
      formatVersion: ArchiveManifest.currentFormat, database: unit.archive.database, table: "\(facts.table)",
      date: window.day,
      window: .init(start: start, end: end, timeZone: window.timeZoneName, timeColumn: timeColumn.name.text),
      columns: columns.map { .init(name: $0.name.text, type: $0.type) }, encoding: encoding, rows: totals.rows,
      csvBytes: totals.csvBytes, gzipBytes: totals.gzipBytes, sha256: digest.sha256.description,
      serverVersion: try snapshot.decode("version"), snapshot: try snapshot.decode("snapshot"),
      programVersion: Program.version, createdAt: context.now())
  }

  /// The manifest of an archive that is there; nil when there is none, it cannot be read, or it is of another file.
  private func trustedManifest(of archive: ArchiveName, _ existing: LakeEntry) async throws -> ArchiveManifest? {
    do {
      let manifest = try await ArchiveManifest.read(of: archive, in: context.lake)
      return manifest?.gzipBytes == existing.length ? manifest : nil
    } catch let error as JobError where error.code == "manifest_unreadable" {
      return nil
    }
  }

  /// An archive may be the only copy left of rows that were dropped since: it is not replaced by one with fewer.
  private func refuseFewerRows(
    _ archive: ArchiveName, _ existing: LakeEntry, rows: Int, _ result: inout BackupResult
  ) async throws {
    let old: Int
    if let manifest = try await trustedManifest(of: archive, existing) {
      old = manifest.rows
    } else {
      do {
        old = try await ArchiveScan.rows(of: existing.path, in: context.lake)
      } catch let error as JobError where error.kind == .unprocessable {
        result.warnings.append("the archive that was there could not be read: \(error.message)")
        return
      }
    }
    guard rows < old else { return }
    throw JobError(
      .conflict, code: "fewer_rows",
      "the archive of \(archive.table) \(archive.day) holds \(old) rows, the table now only \(rows); the archive was left "
        + "as it is. Pass force to replace it all the same",
      details: ["archive_rows": .number(Double(old)), "table_rows": .number(Double(rows))])
  }
}
