import Archive
import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays

extension TableDayRestore {
  /// Decompresses the chunks that the plan names.
  func decompress(_ plan: HypertablePlan?, on connection: PostgresConnection) async throws {
    guard let plan else { return steps.skip(.decompress, "the table is no hypertable") }
    if plan.hypertable.edition == .community {
      // The setting counts rows that must be decompressed for a statement, and ends it at a limit.
      try await connection.query(
        "SELECT pg_catalog.set_config(name, '0', true) FROM pg_catalog.pg_settings "
          + "WHERE name = 'timescaledb.max_tuples_decompressed_per_dml_transaction'")
    }
    guard !plan.decompress.isEmpty else { return steps.skip(.decompress, plan.decompressDetail ?? "not needed") }
    try await steps.run(.decompress, plan.decompress.map { "\($0.table)" }) {
      for chunk in plan.decompress { try await plan.hypertable.decompress(chunk.table, on: connection) }
    }
  }

  /// What is left to do after the commit, from how the chunks are once the rows are loaded.
  func owed(_ prepared: Prepared, on connection: PostgresConnection) async throws -> OwedSteps? {
    guard let plan = prepared.hypertable else { return nil }
    let span = plan.state.end == nil ? nil : Self.chunkSpan(prepared.plan, plan.hypertable.dimension)
    let after = try await plan.hypertable.chunks(overlapping: span, on: connection)
    let wasCompressed = prepared.manifest?.hypertable?.isCompressed == true
    let made = wasCompressed ? try await plan.hypertable.madeHere(plan.added(after), on: connection) : []
    let recompress = plan.recompress(after, made: made)
    let owned = plan.refresh.filter { plan.hindrance(of: $0) == nil }
    guard !recompress.isEmpty || !owned.isEmpty, let values = prepared.plan.rows?.span ?? span, let day = source.day
    else { return nil }
    var owed = OwedSteps(
      of: table, day, span: values,
      by: prepared.plan.rows?.timeColumn.name ?? plan.hypertable.dimension.column, archives: source.database,
      source: source.table)
    owed.recompress = recompress.map { .init($0.table) }
    owed.refresh = owned.map { .init($0.view) }
    return owed
  }

  /// A hold that the request asks for.
  struct PlannedHold: Sendable {
    let until: String
    let rows: ExistingRows
    /// The table's own retention policies.
    let retention: [TimescalePolicy]
    /// Those that it pauses.
    let paused: [TimescalePolicy]
  }

  /// The hold that the request asks for; nil where it asks for none.
  /// - Parameter policies: the jobs of the hypertable.
  /// - Throws: ``JobError`` `no_time_column`, `permission_denied`, `retention_would_drop`.
  func plannedHold(_ plan: RestorePlan, _ policies: [TimescalePolicy]) throws -> PlannedHold? {
    guard let end = request.keepUntil else { return nil }
    guard let rows = plan.rows else {
      throw JobError(
        .noTimeColumn,
        "the hold needs the time column of \(table), which is not known; name it as \(table):column in "
          + "BACKUP_TABLES", field: "keep_until")
    }
    let retention = policies.filter { $0.kind == .retention && $0.isOwn }
    let paused = request.timescale.pauseJobs ? retention.filter(\.isScheduled) : []
    if let job = paused.first(where: { !$0.isOwned }) {
      throw JobError(
        .permissionDenied,
        "\(job.words) belongs to \(job.owner), whose rights this role does not have, and cannot be paused; nothing was loaded. Leave "
          + "\(field: "pause_jobs") out and pause it as \(job.owner)", field: "pause_jobs")
    }
    if let job = paused.first(where: { !$0.canBePaused }) {
      throw JobError(
        .retentionWouldDrop,
        "\(job.words) cannot be paused: alter_job fails for policies with drop_created_before in versions of TimescaleDB before 2.26.3; "
          + "nothing was changed. Leave \(field: "pause_jobs") out, and remove the policy meanwhile or update the extension",
        field: "pause_jobs", details: ["jobs": .array([.integer(job.id)])])
    }
    return PlannedHold(until: end.formatted(.iso8601), rows: rows, retention: retention, paused: paused)
  }

  /// Places the hold that the request asks for, and pauses the jobs that would break it.
  func placeHold(_ prepared: Prepared, _ mark: Mark, on connection: PostgresConnection) async throws {
    let policies = prepared.hypertable?.state.policies ?? []
    guard let hold = try plannedHold(prepared.plan, policies) else {
      return steps.skip(.lease, "keep_until is not given")
    }
    let paused = hold.paused
    try await steps.run(.lease, ["\(table)"] + paused.map { "job \($0.id)" }) {
      try await Hold.place(
        load: mark.load, on: table, hold.rows.span, until: hold.until, pausing: paused.map(\.id),
        keeping: request.timescale.pauseJobs ? hold.retention.filter { !$0.isScheduled }.map(\.id) : [],
        in: prepared.hypertable?.hypertable, on: connection)
    }
    let unpaused = hold.retention.filter { job in job.isScheduled && !paused.contains(job) }
    steps.change(.lease) {
      $0.detail =
        "until \(hold.until)"
        + (unpaused.isEmpty ? "" : "; not paused: \(unpaused.map(\.words).joined(separator: ", "))")
    }
  }
}
