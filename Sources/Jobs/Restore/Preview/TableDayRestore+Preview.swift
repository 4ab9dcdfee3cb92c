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
      dateWindow: source.day.map { .init(DayWindow($0, in: options.timeZone)) })
    preview.gzipBytes = reader.entry.length
    if try await isLoaded(&preview, on: connection) { return preview }
    let found = try await attempt(&preview, on: connection) { preview in
      try await plan(reader, &preview, on: connection)
    }
    guard case (let facts, let plan)?? = found else {
      try await privilegesByName(&preview, on: connection)
      return preview
    }
    preview.dateWindow = plan.span.window
    preview.warnings += plan.warnings
    preview.usesStaging = plan.usesStaging
    let isCounted =
      try await attempt(&preview, on: connection) { preview in
        try await count(facts, plan, &preview, on: connection)
      } != nil
    var policies: [TimescalePolicy] = []
    if let hypertable = facts.hypertable {
      policies = try await chunks(hypertable, facts, plan, days, &preview, on: connection)
    } else if case .named(let names) = request.timescale.refresh, let name = names.first {
      preview.refuse(HypertablePlan.unknown(name, table, []))
    }
    // Such a restore ends before its other checks.
    if preview.outcome != .skip { try await load(facts, plan, policies, isCounted, &preview, on: connection) }
    try await privileges(facts, plan, policies, &preview, on: connection)
    let estimate = try await RestoreLog.rate(on: connection)
    preview.estimatedSeconds = (Double(preview.gzipBytes) / estimate.bytesPerSecond * 10).rounded() / 10
    preview.estimate = estimate.words
    return preview
  }

  /// Runs a part of the preview. What it refuses is a problem of the preview, which goes on.
  /// - Throws: what says that the server cannot answer, so that no preview can be made.
  @discardableResult
  private func attempt<Found>(
    _ preview: inout RestorePreview, on connection: PostgresConnection,
    _ body: (inout RestorePreview) async throws -> Found
  ) async throws -> Found? {
    try await connection.query("SAVEPOINT sluice_preview")
    do {
      let found = try await body(&preview)
      try await connection.query("RELEASE SAVEPOINT sluice_preview")
      return found
    } catch {
      guard Self.isRefusal(error) else { throw error }
      try await connection.query("ROLLBACK TO SAVEPOINT sluice_preview")
      if let error = error as? JobError, error.field == "table" {
        preview.refuse(named(error))
      } else {
        preview.refuse(error)
      }
      return nil
    }
  }

  /// Whether the restore itself ends with `error`, where the server can answer.
  private static func isRefusal(_ error: any Error) -> Bool {
    // A right that lacks in what a query calls has no code of its own.
    if case PostgresError.server(let error) = error, error.sqlState == "42501", !error.isFatal { return true }
    guard error is JobError || error is any JobErrorConvertible else { return false }
    let error = JobError(cause: error)
    return ![.unavailable, .failed, .full].contains(error.code.kind) && error.code != .locked
  }

  /// What the restore checks before its transaction: the hold, and the marks of earlier attempts.
  /// - Returns: whether an earlier attempt of the request has loaded the archive, so that the restore does nothing.
  private func isLoaded(_ preview: inout RestorePreview, on connection: PostgresConnection) async throws -> Bool {
    if request.keepUntil != nil {
      try await attempt(&preview, on: connection) { _ in try await Hold.check(mayMake: true, on: connection) }
    }
    let done = try await attempt(&preview, on: connection) { _ in
      let log = try await RestoreLog.open(of: source.name, into: table, creating: false, on: connection)
      let canMark = if log == nil { try await RestoreLog.canMark(on: connection) } else { true }
      try await refuseUnmarked(canMark: canMark, on: connection)
      return try await earlierLoad(log, on: connection)
    }
    guard preview.problems.isEmpty, let done = done ?? nil else { return false }
    preview.outcome = .skip
    preview.warnings.append(
      "an earlier attempt of this request loaded the archive's \(done.rows) rows at \(done.loadedAt); nothing would be loaded"
    )
    return true
  }

  /// The table's facts and the plan for it; nil where the restore would make the table.
  private func plan(
    _ reader: ArchiveReader, _ preview: inout RestorePreview, on connection: PostgresConnection
  ) async throws -> (facts: TableFacts, plan: RestorePlan)? {
    let manifest = try await manifest(reader)
    preview.fileRows = manifest?.rows
    if let made = try await newTable(manifest, on: connection) {
      try await self.preview(made, reader, manifest, &preview, on: connection)
      return nil
    }
    let facts = try await TableFacts.read(table, for: .write, on: connection)
    try await facts.refuseRowSecurity(on: connection)
    var pipeline = CopyPipeline(
      reader: reader, format: request.copy.options.format, countsRecords: false, progress: progress)
    let header = try await self.header(&pipeline, facts, manifest, on: connection)
    preview.tell(header.drift)
    return (facts, try await restorePlan(header, facts, manifest, on: connection))
  }

  /// Counts the rows of the window, and says what they mean for the restore.
  private func count(
    _ facts: TableFacts, _ plan: RestorePlan, _ preview: inout RestorePreview, on connection: PostgresConnection
  ) async throws {
    try await refuseUnreadable(plan, facts, on: connection)
    if [.refuseAny, .skipAny].contains(plan.existing), try await ExistingRows.any(in: table, on: connection) {
      guard plan.existing == .skipAny else { throw anyRowsExist() }
      if preview.problems.isEmpty { preview.outcome = .skip }
    }
    // A role that may only insert can append.
    guard let rows = plan.rows, facts.storedColumns.allSatisfy(\.maySelect) || plan.existing != .keep else { return }
    let count = try await rows.count(on: connection)
    preview.tableRows = count
    switch plan.existing {
    case .skip where count > 0 && preview.problems.isEmpty: preview.outcome = .skip
    case .refuse where count > 0: throw rowsExist(rows, count)
    case .keep, .skip, .refuse, .delete, .refuseAny, .skipAny: break
    }
  }

  /// What is refused once the load has begun, before its first row.
  /// - Parameter isCounted: the rows of the window can be counted; those that cannot are not examined either.
  private func load(
    _ facts: TableFacts, _ plan: RestorePlan, _ policies: [TimescalePolicy], _ isCounted: Bool,
    _ preview: inout RestorePreview, on connection: PostgresConnection
  ) async throws {
    try await attempt(&preview, on: connection) { _ in _ = try plannedHold(plan, policies) }
    try await partitions(facts, plan, &preview, on: connection)
    if plan.usesStaging {
      try await attempt(&preview, on: connection) { _ in
        try await StagingTable(for: facts, plan.columns, policy: policy).check(
          part: plan.partRows, replaced: plan.unprovenRows, on: connection)
      }
    }
    if isCounted, let replacement = replacement(plan, facts) {
      let rows = preview.fileRows
      let found = try await attempt(&preview, on: connection) { _ in
        try await replacement.examine(for: rows, on: connection)
      }
      if let triggers = found?.triggers, !triggers.isEmpty {
        preview.warnings.append(
          "the table has DELETE triggers, which would run for the replaced rows: \(triggers.joined(separator: ", "))")
      }
    }
    if facts.mayDropRows {
      preview.warnings.append(
        "the table has BEFORE triggers for each row, or foreign partitions, which may drop rows of the file; the restore is refused "
          + "if they do, but for rows in staging mode whose keys are in the table")
    }
  }

  private func partitions(
    _ facts: TableFacts, _ plan: RestorePlan, _ preview: inout RestorePreview, on connection: PostgresConnection
  ) async throws {
    guard let table = facts.partitions else { return }
    try await attempt(&preview, on: connection) { preview in
      guard let span = try partitionSpan(plan, table) else { return }
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
      guard try await partitionsNeeded(found, table, rows: preview.fileRows, on: connection).none == nil else { return }
      let missing = try await PartitionRanges(of: table, zone: plan.span.zone).missing(in: found, on: connection)
      for partition in missing { try await partition.check(on: connection) }
    }
  }

  /// - Returns: the jobs of the hypertable.
  private func chunks(
    _ hypertable: Hypertable, _ facts: TableFacts, _ plan: RestorePlan, _ days: Set<Day>,
    _ preview: inout RestorePreview, on connection: PostgresConnection
  ) async throws -> [TimescalePolicy] {
    let state = try await HypertableState.read(
      hypertable, Self.chunkSpan(plan, hypertable.dimension), plan.rows, on: connection)
    let keepsOwed = try await RestoreLog.isWithinReach(on: connection)
    var decided: HypertablePlan?
    do {
      decided = try HypertablePlan(
        state, wish(facts, plan, replacesRows: (preview.tableRows ?? 0) > 0, keepsOwed: keepsOwed))
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
    try await aggregates(state, decided, facts, plan, days, &preview, on: connection)
    return state.policies
  }

  private func aggregates(
    _ state: HypertableState, _ decided: HypertablePlan?, _ facts: TableFacts, _ plan: RestorePlan, _ days: Set<Day>,
    _ preview: inout RestorePreview, on connection: PostgresConnection
  ) async throws {
    let hypertable = state.hypertable
    guard let rows = plan.rows, let day = source.day else { return }
    guard facts.storedColumns.allSatisfy(\.maySelect) else {
      if !state.aggregates.isEmpty {
        preview.warnings.append(
          "this role may not read \(facts.table), so that the buckets of its aggregates which could be refreshed are not known"
        )
      }
      return
    }
    let owed = OwedSteps(
      of: table, day, span: rows.span, by: rows.timeColumn.name, archives: source.database, source: source.table)
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
}
