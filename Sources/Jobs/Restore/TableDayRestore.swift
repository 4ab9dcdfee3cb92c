import Archive
import Database
import Essentials
import Lake
import Postgres
import Reporting
import TableDays

/// Loads one archive in one transaction: after the commit all rows are in the table, otherwise none.
struct TableDayRestore: Sendable {
  let context: JobContext
  let options: RestoreOptions
  let progress: JobProgress
  let source: RestoreSource
  let request: RestoreRequest

  var policy: LoadPolicy { request.destination.policy }

  /// The table that the rows are loaded into.
  var table: TableName { request.destination.targetTable ?? source.archive.table }

  /// A result without figures.
  func result(_ status: RestoreResult.Status, error: JobError? = nil) -> RestoreResult {
    var result = RestoreResult(
      status: status, database: request.server.database ?? source.archive.database, targetTable: table,
      dateWindow: .init(DayWindow(source.archive.day, in: options.timeZone)), mode: policy.mode, error: error)
    result.rowsDropped = error?.details["dropped_rows"]?.whole ?? 0
    return result
  }

  /// - Throws: ``JobError`` and the errors of the lake and the database; nothing was then loaded.
  func run(_ place: Admission.Place) async throws -> RestoreResult {
    do {
      return try await loadInSession(place)
    } catch var error as JobError where error.field == "table" {
      // What names the table in this request, if anything but the file does.
      if request.destination.targetTable != nil {
        error.field = "destination.target_table"
      } else if case .file = request.source {
        error.field = nil
      }
      throw error
    }
  }

  private func loadInSession(_ place: Admission.Place) async throws -> RestoreResult {
    let target = try request.server.target(database: source.archive.database, context.server)
    let session = TableSession(
      TableDay(database: target.database, table: table, day: source.archive.day), for: .write, at: target,
      ownPassword: request.server.password, in: context.sessions, progress: progress,
      turn: .init(place))
    let mark = Mark()
    do {
      return try await session.run(recovery: recovery(mark)) { connection in
        try await earlierAttempt(mark, on: connection)
      } work: { connection, begun in
        try await load(mark, on: connection, begun)
      } finish: { connection, loaded in
        loaded.result.status == .ok ? try await afterCommit(loaded, on: connection) : loaded.result
      }
    } catch var error as JobError where error.code == .commitUnknown && mark.isWritten && request.key != nil {
      // The next attempt finds the mark, or nothing.
      error.text += ". Sent again with the same \(field: "key"), the request loads only what is missing"
      throw error
    }
  }

  private func load(_ mark: Mark, on connection: PostgresConnection, _ begun: Flag) async throws -> Loaded {
    let reader = try await ArchiveReader(source.path, in: source.lake)
    do {
      let loaded = try await load(reader, mark, on: connection, begun)
      await reader.close()
      return loaded
    } catch {
      await reader.close()
      throw error
    }
  }

  /// What a load's transaction has done.
  struct Loaded: Sendable {
    var result: RestoreResult
    var sequences: OwnedSequences?
  }

  private func load(
    _ reader: ArchiveReader, _ mark: Mark, on connection: PostgresConnection, _ begun: Flag
  ) async throws -> Loaded {
    let manifest = try await manifest(reader)
    try await prepare(connection)
    let facts = try await TableFacts.read(table, for: .write, on: connection)
    var pipeline = CopyPipeline(
      reader: reader, format: request.copy.options.format, countsRecords: manifest == nil, progress: progress)
    let columns = FileColumns(copy: request.copy, facts: facts, manifest: manifest, connection: connection)
    let fileColumns = try await columns.read(&pipeline)
    let drift = try await drift(fileColumns, facts, manifest, on: connection)
    let timeColumn = RestorePlan.timeColumn(
      of: source.archive, into: table, manifest, facts: facts, configured: options.timeColumns,
      mapping: request.copy.mapping)
    let plan = try RestorePlan(
      policy, fileColumns: fileColumns,
      span: try await span(manifest, of: timeColumn, facts, on: connection), timeColumn: timeColumn, facts: facts,
      role: connection.target.user, drift: drift)

    var result = result(.ok)
    result.dateWindow = plan.span.window
    result.warnings = plan.warnings
    if request.key != nil, mark.place == nil {
      result.warnings.append(
        "the key was not kept: this role cannot use sluice.restore_log, so that the request, sent again, loads again")
    }
    if case .delete(let rows) = plan.existing, !plan.span.isRecorded {
      Log.write(
        .warning, "an archive without a manifest replaces rows",
        ["archive": source.path, "column": rows.timeColumn.name, "start": rows.span.start, "end": rows.span.end])
    }
    guard try await check(plan.existing, on: connection, &result) else { return Loaded(result: result) }
    begun.set()
    try await preparePartitions(plan, facts, manifest, on: connection, &result)
    result.columnsLoaded = plan.columns.loadedColumns.map(\.text)
    let fileRows = try await copy(plan, facts, manifest, pipeline, on: connection, &result)
    result.csvBytes = await reader.csvBytes
    result.gzipBytes = await reader.gzipBytes
    let digest = try await check(reader, against: manifest, rows: fileRows)
    try await leave(mark, reader.entry, sha256: digest, rows: result.rowsLoaded, into: facts, on: connection)
    return Loaded(
      result: result, sequences: OwnedSequences(of: facts, loaded: plan.columns.loadedColumns, rows: plan.rows))
  }

  /// Sets the transaction's parameters.
  private func prepare(_ connection: PostgresConnection) async throws {
    // `Durability` waits for a standby after the commit.
    try await connection.query("SET LOCAL synchronous_commit = \(request.copy.synchronousCommitOff ? "off" : "local")")
    // A row security policy could hide rows that are to be replaced or counted from this role; with `off` it is an
    // error.
    try await connection.query("SET LOCAL row_security = off")
    // Warnings of triggers may hold row data; without them, any message during the COPY is an error.
    try await connection.query("SET LOCAL client_min_messages = error")
  }

  /// Looks for existing rows, as the plan says. Those that are to be replaced are deleted later.
  /// - Returns: whether the load continues.
  /// - Throws: ``JobError`` `rows_exist` with the number of rows.
  private func check(
    _ existing: RestorePlan.Existing, on connection: PostgresConnection, _ result: inout RestoreResult
  ) async throws -> Bool {
    switch existing {
    case .keep, .delete: return true
    case .skip(let rows):
      let count = try await rows.count(on: connection)
      guard count > 0 else { return true }
      result.warnings.append("the table holds \(count) rows of the window already; nothing was loaded")
      result.status = .skipped
      return false
    case .refuse(let rows):
      let count = try await rows.count(on: connection)
      guard count > 0 else { return true }
      let without =
        policy.mode == .staging
        ? "; it has no unique index over columns of the file that are NOT NULL, by which to skip them" : ""
      throw JobError(
        .rowsExist,
        "\(rows.table) holds \(count) rows of \(source.archive.day) already\(without); nothing was loaded. Pass append, "
          + "replace or skip", field: "destination.on_existing", details: ["rows": .integer(count)])
    }
  }

  /// Loads the rows, directly or through a staging table.
  /// - Returns: the number of rows in the file.
  private func copy(
    _ plan: RestorePlan, _ facts: TableFacts, _ manifest: ArchiveManifest?, _ pipeline: CopyPipeline,
    on connection: PostgresConnection, _ result: inout RestoreResult
  ) async throws -> Int {
    if plan.pinsNames { try await connection.query("SET LOCAL search_path = pg_catalog, pg_temp") }
    let options = try await request.copy.options.named(as: plan).sql(
      await encoding(manifest, on: connection), on: connection)
    let replacement: Replacement? =
      if case .delete(let rows) = plan.existing {
        Replacement(of: rows, in: facts, loaded: plan.columns.loadedColumns, policy: policy)
      } else { nil }
    var deleted = Replacement.Deleted()
    let fileRows: Int
    if plan.usesStaging {
      let loaded = try await StagingTable(for: facts, plan.columns, policy: policy).load(
        options: options, part: plan.span.part == nil ? nil : plan.rows, on: connection
      ) { staged in
        guard case .delete(let rows) = plan.existing, let replacement else { return }
        if !plan.span.isRecorded { try await staged.refuseOutside(rows, on: connection) }
        deleted = try await replacement.delete(for: staged.count, on: connection)
      } _: {
        try await pipeline.load($0)
      }
      report(loaded, &result)
      if plan.span.part != nil { result.rowsMatched = loaded.matched }
      fileRows = loaded.staged
    } else {
      if let replacement, let manifest { deleted = try await replacement.delete(for: manifest.rows, on: connection) }
      let copy = try await connection.copyIn(
        plan.columns.copyStatement(into: facts.table, options: options, on: connection))
      result.rowsLoaded = try await pipeline.load(copy)
      fileRows = result.rowsLoaded
    }
    try await replacement?.prove(deleted, on: connection)
    if deleted.count > 0 { result.warnings.append("\(deleted.count) rows of the window were replaced") }
    result.warnings += deleted.warnings
    return fileRows
  }

  private func report(_ loaded: StagingTable.Loaded, _ result: inout RestoreResult) {
    result.rowsLoaded = loaded.inserted
    result.rowsSkipped = loaded.conflicts
    result.rowsDropped = loaded.dropped
    if loaded.dropped > 0 {
      result.warnings.append(
        "\(loaded.dropped) rows of the file were dropped by triggers of the table; rows with their keys are in the table"
      )
    }
    if policy.onExisting == .replace, result.rowsSkipped > 0 {
      result.warnings.append(
        "\(result.rowsSkipped) rows of the file were not inserted: by a unique index, rows outside the window or earlier rows "
          + "of the file stand in their place")
    }
  }

  /// The `ENCODING` of the COPY; nil for UTF-8. Bytes without a known encoding are loaded unchanged into a database
  /// without an encoding. In another database they must be UTF-8: with `SQL_ASCII` COPY would not check them.
  private func encoding(_ manifest: ArchiveManifest?, on connection: PostgresConnection) async -> ArchiveEncoding? {
    guard manifest?.encoding == .unknown else { return nil }
    return ArchiveEncoding(ofServer: await connection.serverEncoding) == .unknown ? .unknown : nil
  }

  /// The manifest beside the file, if there is one.
  private func manifest(_ reader: ArchiveReader) async throws -> ArchiveManifest? {
    switch try await ArchiveManifest.find(for: reader.entry, in: source.lake) {
    case .none: return nil
    case .described(let manifest, _): return manifest
    case .another(let manifest):
      throw corrupt("the file has \(reader.entry.length) bytes, but its manifest says \(manifest.gzipBytes)")
    }
  }

  /// Checks that the file matches its manifest; otherwise the load is rolled back.
  /// - Returns: the file's SHA-256.
  private func check(_ reader: ArchiveReader, against manifest: ArchiveManifest?, rows: Int) async throws -> String {
    let digest = await reader.digest().hex
    guard var manifest else { return digest }
    if digest != manifest.sha256 {
      // A replacement that was cut off can have the length of the archive before it.
      let pending = try await ArchiveManifest.pending(withDigest: digest, beside: source.path, in: source.lake)
      guard let pending, pending.window == manifest.window, pending.columns == manifest.columns else {
        throw corrupt("the file's SHA-256 is \(digest), but its manifest says \(manifest.sha256)")
      }
      manifest = pending
    }
    guard rows == manifest.rows else { throw JobError.rowsNotStored(rows, of: manifest.rows) }
    return digest
  }

  private func corrupt(_ reason: String) -> JobError {
    JobError(
      .archiveCorrupt,
      "\(source.path): \(reason); nothing was loaded. Take another copy of the file, or back the day up again")
  }
}
