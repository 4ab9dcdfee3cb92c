import Archive
import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays

extension TableDayRestore {
  /// What is known before anything is changed.
  struct Prepared: Sendable {
    let manifest: ArchiveManifest?
    let facts: TableFacts
    let plan: RestorePlan
    let pipeline: CopyPipeline
    let hypertable: HypertablePlan?
    /// The rows of the window that make the load do nothing.
    let existing: Int
    /// Of a table that was made for the load.
    var warnings: [String] = []
  }

  /// Sets the transaction's parameters, and finds out and checks all that the load depends on.
  func prepare(_ reader: ArchiveReader, _ mark: Mark, on connection: PostgresConnection) async throws -> Prepared {
    let manifest = try await manifest(reader)
    try await setParameters(connection)
    let created = try await createTable(manifest, on: connection)
    let facts = try await TableFacts.read(table, for: .write, on: connection)
    try await facts.refuseRowSecurity(on: connection)
    var pipeline = CopyPipeline(
      reader: reader, format: request.copy.options.format, countsRecords: manifest == nil, progress: progress)
    let header = try await header(&pipeline, facts, manifest, on: connection)
    let plan = try await restorePlan(header, facts, manifest, on: connection)
    pipeline.types = plan.columns.copyTypes(staged: plan.usesStaging, facts)
    try await refuseUnreadable(plan, facts, on: connection)
    let hypertable = try await hypertablePlan(facts, plan, keepsOwed: mark.place?.keepsOwed ?? false, on: connection)
    if case .delete(let rows) = plan.existing, !plan.span.isRecorded {
      Log.write(
        .warning, "an archive without a manifest replaces rows",
        ["archive": source.path, "column": rows.timeColumn.name, "start": rows.span.start, "end": rows.span.end])
    }
    let existing = try await existingRows(plan.existing, on: connection)
    // Before the rows are sent, a hold that cannot be placed is told.
    if existing == 0 { _ = try plannedHold(plan, hypertable?.state.policies ?? []) }
    return Prepared(
      manifest: manifest, facts: facts, plan: plan, pipeline: pipeline, hypertable: hypertable, existing: existing,
      warnings: created)
  }

  /// What an integer time column counts, as the settings say.
  var unit: TimeUnit? { options.units[table] ?? options.units[source.table] }

  /// The columns of a file, and how they differ from the table's.
  struct Header: Sendable {
    let columns: [ColumnName]
    let drift: ColumnDrift
  }

  /// Reads the file's header.
  func header(
    _ pipeline: inout CopyPipeline, _ facts: TableFacts, _ manifest: ArchiveManifest?, on connection: PostgresConnection
  ) async throws -> Header {
    let reading = FileColumns(copy: request.copy, facts: facts, manifest: manifest, connection: connection)
    let columns = try await reading.read(&pipeline)
    return Header(columns: columns, drift: try await drift(columns, facts, manifest, on: connection))
  }

  /// The plan for the file.
  func restorePlan(
    _ header: Header, _ facts: TableFacts, _ manifest: ArchiveManifest?, on connection: PostgresConnection
  ) async throws -> RestorePlan {
    let timeColumn = RestorePlan.timeColumn(
      of: source.table, into: table, manifest, facts: facts, configured: options.timeColumns,
      mapping: request.copy.mapping)
    return try RestorePlan(
      policy, fileColumns: header.columns, span: try await span(manifest, of: timeColumn, facts, on: connection),
      timeColumn: timeColumn, unit: unit, facts: facts, role: try await connection.currentRole(), drift: header.drift)
  }

  /// Refuses rows of the day that cannot be counted: by this role, or since their chunks read as empty.
  /// - Throws: ``JobError`` `permission_denied`, `chunk_not_readable`.
  func refuseUnreadable(_ plan: RestorePlan, _ facts: TableFacts, on connection: PostgresConnection) async throws {
    guard let rows = plan.rows else { return }
    if plan.existing != .keep { try await facts.refuseUnreadable(rows, on: connection) }
    try await facts.refuseUnreadableChunks(of: rows.span, by: rows.timeColumn, on: connection)
  }

  private func setParameters(_ connection: PostgresConnection) async throws {
    // `Durability` waits for a standby after the commit.
    try await connection.query("SET LOCAL synchronous_commit = \(request.copy.synchronousCommitOff ? "off" : "local")")
    // A row security policy could hide rows that are to be replaced or counted from this role; with `off` it is an
    // error.
    try await connection.query("SET LOCAL row_security = off")
    // Warnings of triggers may hold row data; without them, any message during the COPY is an error.
    try await connection.query("SET LOCAL client_min_messages = error")
  }

  /// The plan for the hypertable; nil for another table.
  /// - Throws: ``JobError`` `aggregate_not_found` and the others of ``HypertablePlan``.
  func hypertablePlan(
    _ facts: TableFacts, _ plan: RestorePlan, keepsOwed: Bool, on connection: PostgresConnection
  ) async throws -> HypertablePlan? {
    guard let hypertable = facts.hypertable else {
      if case .named(let names) = request.timescale.refresh, let name = names.first {
        throw HypertablePlan.unknown(name, table, [])
      }
      return nil
    }
    let state = try await HypertableState.read(
      hypertable, Self.chunkSpan(plan, hypertable.dimension), plan.rows, on: connection)
    var replaces = false
    if case .delete(let rows) = plan.existing { replaces = try await rows.exist(on: connection) }
    return try HypertablePlan(state, wish(facts, plan, replacesRows: replaces, keepsOwed: keepsOwed))
  }

  /// What of the request and the table decides what is done with the hypertable.
  func wish(_ facts: TableFacts, _ plan: RestorePlan, replacesRows: Bool, keepsOwed: Bool) -> HypertablePlan.Wish {
    HypertablePlan.Wish(
      timescale: request.timescale, onExisting: policy.onExisting, hasUniqueIndex: facts.hasUniqueIndex,
      replacesRows: replacesRows,
      hasDay: source.day != nil,
      wouldLoseGenerated: plan.usesStaging && facts.columns.count > facts.storedColumns.count, keepsOwed: keepsOwed,
      keepUntil: request.keepUntil?.formatted(.iso8601))
  }

  /// The span in values of the hypertable's dimension; nil where it is not known in them.
  static func chunkSpan(_ plan: RestorePlan, _ dimension: Hypertable.Dimension) -> DaySpan? {
    if let rows = plan.rows { return rows.timeColumn.name == dimension.column ? rows.span : nil }
    return dimension.kind.flatMap { plan.span.values(of: TimeColumn(name: dimension.column, kind: $0)) }
  }

  /// Counts the existing rows that decide whether the load goes on.
  /// - Returns: those that make it do nothing.
  /// - Throws: ``JobError`` `rows_exist` with the number of rows.
  private func existingRows(_ existing: RestorePlan.Existing, on connection: PostgresConnection) async throws -> Int {
    switch existing {
    case .keep, .delete: return 0
    case .skip(let rows): return try await rows.count(on: connection)
    case .refuse(let rows):
      let count = try await rows.count(on: connection)
      guard count > 0 else { return 0 }
      throw rowsExist(rows, count)
    case .skipAny: return try await ExistingRows.any(in: table, on: connection) ? 1 : 0
    case .refuseAny:
      guard try await ExistingRows.any(in: table, on: connection) else { return 0 }
      throw anyRowsExist()
    }
  }

  /// The error for a table that is not empty, where the file has no day whose rows could be looked for.
  func anyRowsExist() -> JobError {
    JobError(
      .rowsExist,
      "\(table) is not empty, and the name of the file has no day whose rows could be looked for; nothing was loaded. Pass append to "
        + "load beside its rows, or \(field: "destination.mode") \"staging\" to leave out those that a unique index knows",
      field: "destination.on_existing")
  }

  /// The error for rows of the day that the table holds already.
  func rowsExist(_ rows: ExistingRows, _ count: Int) -> JobError {
    let without =
      policy.mode == .staging
      ? "; it has no unique index over columns of the file that are NOT NULL, by which to skip them" : ""
    return JobError(
      .rowsExist,
      "\(rows.table) holds \(count) rows of \(source.day.map { "\($0)" } ?? "the file") already\(without); nothing was loaded. Pass append, "
        + "replace or skip", field: "destination.on_existing", details: ["rows": .integer(count)])
  }
}
