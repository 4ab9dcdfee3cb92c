import Archive
import Database
import Essentials
import Foundation
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
  /// The steps after the commit are left to the caller, who does them for several days at once.
  var leavesSteps = false
  let steps = StepLog()
  /// The change that the audit chain was told of.
  let audited = AuditedChange.Holder()

  var policy: LoadPolicy { request.destination.policy }

  /// The table that the rows are loaded into.
  var table: TableName { request.destination.targetTable ?? source.table }

  /// A result without figures.
  func result(_ status: RestoreResult.Status, error: JobError? = nil) -> RestoreResult {
    var result = RestoreResult(
      status: status, database: request.server.database ?? source.database, targetTable: table,
      dateWindow: source.day.map { .init(DayWindow($0, in: options.timeZone)) }, mode: policy.mode, error: error)
    result.rowsDropped = error?.details["dropped_rows"]?.whole ?? 0
    if status == .failed || status == .unconfirmed {
      if let error { steps.failCommit(error) }
      result.steps = steps.all(otherwise: "the restore failed before it")
    }
    return result
  }

  /// - Throws: ``JobError`` and the errors of the lake and the database; nothing was then loaded.
  func run(_ place: Admission.Place) async throws -> RestoreResult {
    do {
      return try await loadInSession(place)
    } catch let error as JobError where error.field == "table" {
      throw named(error)
    }
  }

  /// An error whose field is what names the table in this request, if anything but the file does.
  func named(_ error: JobError) -> JobError {
    var error = error
    if error.code == .tableNotFound {
      error.text += ", or pass \(field: "destination.create_table") to make it from the archive's manifest"
    }
    if request.destination.targetTable != nil {
      error.field = "destination.target_table"
    } else if request.source.isFile {
      error.field = nil
    }
    return error
  }

  /// The server and database to load into.
  func target() throws -> PostgresTarget {
    try request.server.target(database: source.database, context.server)
  }

  private func loadInSession(_ place: Admission.Place) async throws -> RestoreResult {
    let target = try target()
    let session = TableSession(
      .init(database: target.database, table: table, day: source.day), for: .write, at: target,
      ownPassword: request.server.password, in: context.sessions, progress: progress,
      turn: .init(place), mayBeMissing: request.destination.createsTable)
    let mark = Mark()
    do {
      return try await session.run(recovery: recovery(mark)) { connection in
        try await earlierAttempt(mark, on: connection)
      } work: { connection, begun in
        try await load(mark, on: connection, begun)
      } finish: { connection, loaded in
        loaded.result.status == .ok ? try await afterCommit(loaded, mark, on: connection) : loaded.result
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
      let cause = await cause(of: error, reader)
      await reader.close()
      throw cause
    }
  }

  /// What a load's transaction has done.
  struct Loaded: Sendable {
    var result: RestoreResult
    var sequences: OwnedSequences?
    var hypertable: HypertablePlan?
    /// What is left to do after the commit.
    var owed: OwedSteps?
    /// When the transaction was ready to commit.
    var ready = ContinuousClock.now
  }

  private func load(
    _ reader: ArchiveReader, _ mark: Mark, on connection: PostgresConnection, _ begun: Flag
  ) async throws -> Loaded {
    steps.reset()
    let start = ContinuousClock.now
    var result = result(.ok)
    let prepared = try await steps.run(.prepare, ["\(table)"]) { try await prepare(reader, mark, on: connection) }
    let (plan, facts) = (prepared.plan, prepared.facts)
    result.dateWindow = plan.span.window
    result.warnings = prepared.warnings + plan.warnings + (prepared.hypertable?.warnings ?? [])
    if request.key != nil, mark.place == nil {
      result.warnings.append(
        "the key was not kept: this role cannot use sluice.restore_log, so that the request, sent again, loads again")
    }
    guard prepared.existing == 0 else {
      result.warnings.append("the table holds \(prepared.existing) rows of the window already; nothing was loaded")
      result.status = .skipped
      result.steps = steps.all(otherwise: "the table holds rows of the window already")
      return Loaded(result: result)
    }
    try await beginAudit()
    begun.set()
    try await preparePartitions(plan, facts, prepared.manifest, on: connection, &result)
    result.columnsLoaded = plan.columns.loadedColumns.map(\.text)
    try await decompress(prepared.hypertable, on: connection)
    let fileRows = try await copy(prepared, on: connection, &result)
    result.csvBytes = await reader.csvBytes
    result.gzipBytes = await reader.gzipBytes
    let digest = try await steps.run(.check) {
      try await check(reader, against: prepared.manifest, rows: fileRows)
    }
    steps.change(.check) {
      $0.detail =
        "\(fileRows) rows in the file, \(result.rowsLoaded) stored; SHA-256 "
        + (prepared.manifest == nil ? "\(digest.prefix(12))…, no manifest to compare with" : "as in the manifest")
    }
    let owed = try await owed(prepared, on: connection)
    try await placeHold(prepared, mark, on: connection)
    try await leave(
      mark, reader.entry, sha256: digest, rows: result.rowsLoaded, into: facts, owing: owed,
      seconds: start.duration(to: .now).seconds, on: connection)
    return Loaded(
      result: result, sequences: OwnedSequences(of: facts, loaded: plan.columns.loadedColumns, rows: plan.rows),
      hypertable: prepared.hypertable, owed: owed)
  }

  /// Loads the rows, directly or through a staging table.
  /// - Returns: the number of rows in the file.
  private func copy(
    _ prepared: Prepared, on connection: PostgresConnection, _ result: inout RestoreResult
  ) async throws -> Int {
    let (plan, facts, manifest) = (prepared.plan, prepared.facts, prepared.manifest)
    if plan.pinsNames { try await connection.query("SET LOCAL search_path = pg_catalog, pg_temp") }
    let options = try await request.copy.options.named(as: plan).sql(
      await encoding(manifest, on: connection), on: connection)
    let replacement = replacement(plan, facts)
    var deleted = Replacement.Deleted()
    let fileRows: Int
    if plan.usesStaging {
      let loaded = try await steps.run(.load, ["\(facts.table)"]) {
        try await StagingTable(for: facts, plan.columns, policy: policy).load(
          options: options, part: plan.partRows, replaced: plan.unprovenRows, on: connection
        ) { staged in
          guard let replacement else { return }
          if let rows = plan.unprovenRows { try await staged.refuseOutside(rows, on: connection) }
          deleted = try await clear(replacement, for: staged.count, prepared.hypertable, on: connection)
        } _: {
          try await prepared.pipeline.load($0)
        }
      }
      report(loaded, &result)
      if plan.span.part != nil { result.rowsMatched = loaded.matched }
      fileRows = loaded.staged
    } else {
      if let replacement, let manifest {
        deleted = try await clear(replacement, for: manifest.rows, prepared.hypertable, on: connection)
      }
      result.rowsLoaded = try await steps.run(.load, ["\(facts.table)"]) {
        let copy = try await connection.copyIn(
          plan.columns.copyStatement(into: facts.table, options: options, on: connection))
        return try await prepared.pipeline.load(copy)
      }
      fileRows = result.rowsLoaded
    }
    if replacement == nil { steps.skip(.clear, "on_existing is \(policy.onExisting.rawValue)") }
    try await replacement?.prove(deleted, on: connection)
    if deleted.count > 0 { result.warnings.append("\(deleted.count) rows of the window were replaced") }
    result.warnings += deleted.warnings
    return fileRows
  }

  /// What the plan deletes; nil where it deletes nothing.
  func replacement(_ plan: RestorePlan, _ facts: TableFacts) -> Replacement? {
    guard case .delete(let rows) = plan.existing else { return nil }
    return Replacement(of: rows, in: facts, loaded: plan.columns.loadedColumns, policy: policy)
  }

  private func clear(
    _ replacement: Replacement, for rows: Int, _ hypertable: HypertablePlan?, on connection: PostgresConnection
  ) async throws -> Replacement.Deleted {
    let deleted = try await steps.run(.clear, ["\(table)"]) {
      try await replacement.delete(for: rows, from: hypertable?.chunksToClear, on: connection)
    }
    steps.change(.clear) { $0.detail = "\(deleted.count) rows deleted" }
    return deleted
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
}
