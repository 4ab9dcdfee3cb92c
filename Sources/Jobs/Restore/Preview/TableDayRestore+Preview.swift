import Archive
import Database
import Essentials
import Foundation
import Lake
import Postgres
import Reporting
import TableDays

extension TableDayRestore {
  /// What the restore would do. It reads in one read-only transaction and changes nothing.
  /// - Parameter days: the days of the whole request, whose rows will be there for the aggregates.
  /// - Throws: ``JobError`` where the archive or the server cannot be read; what the restore itself would refuse is in the
  ///   preview's problems.
  func preview(days: Set<Day>) async throws -> RestorePreview {
    let target = try target()
    let reader = try await ArchiveReader(source.path, in: source.lake)
    defer { Task { await reader.close() } }
    return try await context.sessions.pools.withConnection(to: target, ownPassword: request.server.password) {
      connection in
      try await connection.withTransaction("BEGIN READ ONLY") { connection in
        try await connection.query("SET LOCAL row_security = off")
        try await connection.query("SET LOCAL lock_timeout = \(context.sessions.lockTimeout)")
        return try await preview(reader, days, on: connection)
      }
    }
  }

  private func preview(
    _ reader: ArchiveReader, _ days: Set<Day>, on connection: PostgresConnection
  ) async throws -> RestorePreview {
    var preview = RestorePreview(
      archive: "\(source.path)", database: connection.target.database, targetTable: table,
      dateWindow: .init(DayWindow(source.archive.day, in: options.timeZone)))
    preview.gzipBytes = reader.entry.length
    let found: (facts: TableFacts, plan: RestorePlan)
    do {
      guard let known = try await plan(reader, &preview, on: connection) else { return preview }
      found = known
    } catch let error as JobError where !Self.isOfServer(error) {
      preview.refuse((error.field == "table") ? named(error) : error)
      return preview
    }
    let (facts, plan) = found
    preview.dateWindow = plan.span.window
    preview.warnings = plan.warnings
    preview.usesStaging = plan.usesStaging
    try await count(facts, plan, &preview, on: connection)
    try await partitions(facts, plan, &preview, on: connection)
    if let hypertable = facts.hypertable {
      try await chunks(hypertable, facts, plan, days, &preview, on: connection)
    } else if case .named(let names) = request.timescale.refresh, let name = names.first {
      preview.refuse(HypertablePlan.unknown(name, table, []))
    }
    try await privileges(facts, plan, &preview, on: connection)
    let estimate = try await RestoreLog.rate(on: connection)
    preview.estimatedSeconds = (Double(preview.gzipBytes) / estimate.bytesPerSecond * 10).rounded() / 10
    preview.estimate = estimate.words
    return preview
  }

  /// Whether the error says that the server could not answer, so that a preview cannot be made.
  private static func isOfServer(_ error: JobError) -> Bool {
    [.unavailable, .failed, .full].contains(error.code.kind)
  }

  /// The table's facts and the plan for it; nil where the restore would make the table.
  private func plan(
    _ reader: ArchiveReader, _ preview: inout RestorePreview, on connection: PostgresConnection
  ) async throws -> (facts: TableFacts, plan: RestorePlan)? {
    let manifest = try await manifest(reader)
    preview.fileRows = manifest?.rows
    if request.destination.createsTable, try await !NewTable.isThere(table, on: connection) {
      guard let manifest else { throw notMade }
      preview.columns = manifest.columns.map { .init(name: $0.name, type: $0.type, fate: "loaded") }
      preview.warnings.append("the table is missing and would be made from the manifest")
      return nil
    }
    let facts = try await TableFacts.read(table, for: .write, on: connection)
    var pipeline = CopyPipeline(
      reader: reader, format: request.copy.options.format, countsRecords: false, progress: progress)
    let header = try await self.header(&pipeline, facts, manifest, on: connection)
    preview.columns = header.drift.columns.map { column in
      .init(
        name: column.name.text, type: column.type, tableType: column.targetType, fate: column.fate.rawValue,
        conversion: column.fate == .loaded ? column.conversion.rawValue : nil)
    }
    preview.columns += header.drift.lacking.map { column in
      .init(name: column.name.text, tableType: column.type, fate: "lacking", filling: column.filling.rawValue)
    }
    return (facts, try await restorePlan(header, facts, manifest, on: connection))
  }

  /// Counts the rows of the window, and says what they mean for the restore.
  private func count(
    _ facts: TableFacts, _ plan: RestorePlan, _ preview: inout RestorePreview, on connection: PostgresConnection
  ) async throws {
    // A role that may only insert can append.
    guard let rows = plan.rows, facts.storedColumns.allSatisfy(\.maySelect) || plan.existing != .keep else { return }
    do {
      try await facts.refuseUnreadableChunks(of: rows.span, by: rows.timeColumn, on: connection)
    } catch let error as JobError {
      return preview.refuse(error)
    }
    let count = try await rows.count(on: connection)
    preview.tableRows = count
    switch plan.existing {
    case .keep: break
    case .skip where count > 0: preview.outcome = .skip
    case .refuse where count > 0: preview.refuse(rowsExist(rows, count))
    case .delete where (preview.fileRows.map { $0 < count } ?? false) && !policy.force:
      preview.refuse(
        JobError(
          .fewerRows, "the archive holds \(preview.fileRows ?? 0) rows, but \(facts.table) has \(count) of the day",
          field: "destination.on_existing"))
    case .skip, .refuse, .delete: break
    }
  }

  private func partitions(
    _ facts: TableFacts, _ plan: RestorePlan, _ preview: inout RestorePreview, on connection: PostgresConnection
  ) async throws {
    guard let table = facts.partitions, let span = partitionSpan(plan, table) else { return }
    let found = try await table.partitions(in: span, on: connection)
    preview.partitions = (found.partitions + found.defaults).map { part in
      .init(
        name: "\(part.table)", start: part.bounds.lower, end: part.bounds.upper,
        state: part.isDetaching ? "detaching" : part.isDefault ? "default" : "attached")
    }
    preview.partitions += found.gaps.map { gap in
      .init(
        name: "\(gap.parent)", start: gap.start, end: gap.end, state: "missing",
        steps: request.destination.createsPartition ? ["create"] : [])
    }
    guard preview.fileRows != 0, !found.isCovered else { return }
    guard request.destination.createsPartition else {
      if let gap = found.refused.first, found.isEmpty { preview.refuse(noPartition(gap)) }
      return
    }
    guard table.isOwner else {
      preview.outcome = .refuse
      return
    }
    do {
      let zone = plan.span.zone
      for partition in try await PartitionRanges(of: table, zone: zone).missing(in: found, on: connection) {
        try await partition.check(on: connection)
      }
    } catch let error as JobError {
      preview.refuse(error)
    }
  }

  private func chunks(
    _ hypertable: Hypertable, _ facts: TableFacts, _ plan: RestorePlan, _ days: Set<Day>,
    _ preview: inout RestorePreview, on connection: PostgresConnection
  ) async throws {
    let state = try await HypertableState.read(
      hypertable, Self.chunkSpan(plan, hypertable.dimension), plan.rows, on: connection)
    var decided: HypertablePlan?
    do {
      decided = try HypertablePlan(
        state, wish(facts, plan, replacesRows: (preview.tableRows ?? 0) > 0, keepsOwed: true))
    } catch let error as JobError {
      preview.refuse(error)
    }
    preview.warnings += decided?.warnings ?? []
    preview.chunks = state.touched.map { chunk in
      let (start, end) = chunk.texts(of: hypertable.dimension)
      var steps: [String] = []
      if let decided, chunk.isCompressed {
        if decided.decompress.contains(chunk) { steps.append("decompress") }
        if decided.noRecompress == nil { steps.append("recompress") }
      }
      return .init(name: "\(chunk.table)", start: start, end: end, state: chunk.state, steps: steps)
    }
    preview.jobs = state.policies.map { policy in
      .init(
        id: policy.id, relation: policy.relation, kind: policy.name, age: policy.age, nextRun: policy.nextRun,
        isScheduled: policy.isScheduled,
        wouldDrop: policy.drops(state))
    }
    guard let rows = plan.rows else { return }
    guard facts.storedColumns.allSatisfy(\.maySelect) else {
      if !state.aggregates.isEmpty {
        preview.warnings.append(
          "this role may not read \(facts.table), so that the buckets of its aggregates which could be refreshed are not known"
        )
      }
      return
    }
    let owed = OwedSteps(
      of: table, source.archive.day, span: rows.span, by: rows.timeColumn.name, archives: source.archive.database,
      source: source.archive.table)
    let live = RowsOfDays(context: context, timeZone: options.timeZone, owed: owed, facts: facts, whole: days)
    for aggregate in state.aggregates where rows.timeColumn.name == hypertable.dimension.column {
      let isRefreshed = decided?.refresh.contains(aggregate) ?? false
      let refresh = AggregateRefresh(aggregate: aggregate, hypertable: hypertable, days: live)
      let found = try await refresh.plan(rows.span, on: connection)
      preview.aggregates.append(
        .init(
          view: "\(aggregate.view)", isRefreshed: isRefreshed,
          buckets: found.ranges.map { [$0.start.text, $0.end.text] },
          left: found.left.map { [$0.range.start.text, $0.range.end.text] },
          daysLacking: found.left.flatMap(\.days).map(\.description)))
    }
  }

  private func privileges(
    _ facts: TableFacts, _ plan: RestorePlan, _ preview: inout RestorePreview, on connection: PostgresConnection
  ) async throws {
    let user: String = try await connection.query("SELECT pg_catalog.quote_ident(current_user) AS name").rows[0].decode(
      "name")
    let row = try await connection.query(
      "SELECT pg_catalog.has_table_privilege($1::pg_catalog.int8::pg_catalog.oid, 'SELECT') AS may_select, "
        + "pg_catalog.has_table_privilege($1::pg_catalog.int8::pg_catalog.oid, 'DELETE') AS may_delete",
      [String(facts.oid)]
    ).rows[0]
    func lacks(_ privilege: String, _ on: String, _ remedy: String) {
      preview.privilegesMissing.append(.init(privilege: privilege, on: on, remedy: remedy))
    }
    let table = try await connection.quoted(facts.table)
    if plan.existing != .keep, try !row.decode("may_select", as: Bool.self) {
      lacks("SELECT", "\(facts.table)", "GRANT SELECT ON \(table) TO \(user)")
    }
    if case .delete = plan.existing, try !row.decode("may_delete", as: Bool.self) {
      lacks("DELETE", "\(facts.table)", "GRANT DELETE ON \(table) TO \(user)")
    }
    if let hypertable = facts.hypertable, !hypertable.isOwned,
      preview.chunks.contains(where: { $0.state != "uncompressed" })
    {
      lacks("ownership", "\(facts.table)", "GRANT \(SQL.identifier(hypertable.owner)) TO \(user)")
    }
    if let partitioned = facts.partitions, !partitioned.isOwner,
      preview.partitions.contains(where: { $0.steps == ["create"] })
    {
      lacks("ownership", "\(facts.table)", "GRANT \(SQL.identifier(partitioned.owner)) TO \(user)")
    }
    let needsLog = request.key != nil || preview.chunks.contains { !$0.steps.isEmpty }
    if needsLog, try await !RestoreLog.isWithinReach(on: connection) {
      lacks("use", "sluice.restore_log", try await RestoreLog.remedy(on: connection))
    }
    guard preview.privilegesMissing.contains(where: { ["SELECT", "DELETE"].contains($0.privilege) }) else { return }
    preview.outcome = .refuse
  }
}
