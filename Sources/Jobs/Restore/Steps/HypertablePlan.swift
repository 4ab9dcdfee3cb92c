import Database
import Essentials
import Foundation
import Reporting
import TableDays

/// What a restore does with the chunks and aggregates of a hypertable. A value, made before anything is changed.
struct HypertablePlan: Sendable, Equatable {
  let state: HypertableState
  /// The chunks that are decompressed before the load.
  private(set) var decompress: [Chunk] = []
  /// Why none is, or not all.
  private(set) var decompressDetail: String?
  /// Why no chunk is compressed after the load; nil where those are that were compressed before.
  private(set) var noRecompress: String?
  /// The aggregates that are refreshed after the load, in their order.
  private(set) var refresh: [ContinuousAggregate] = []
  /// Why none is.
  private(set) var noRefresh: String?
  /// The retention policies whose next run would drop the span again.
  private(set) var threats: [TimescalePolicy] = []
  private(set) var warnings: [String] = []
  private var losesGenerated = false

  var hypertable: Hypertable { state.hypertable }

  /// What of a request and a table decides.
  struct Wish: Sendable {
    var timescale = RestoreRequest.Timescale()
    var onExisting = LoadPolicy.OnExisting.error
    /// The table has a unique index.
    var hasUniqueIndex = false
    /// There are rows that the load replaces.
    var replacesRows = false
    /// The file has a day, so that the chunks of its rows are known.
    var hasDay = true
    /// The rows go through a staging table into one that has generated columns: TimescaleDB loses their values where one INSERT
    /// writes several rows into a compressed chunk (measured with 2.22: the first row of a batch alone has them).
    var wouldLoseGenerated = false
    /// What the load owes can be kept in `sluice.restore_log`.
    var keepsOwed = true
    var keepUntil: String?
  }

  /// - Throws: ``JobError`` `aggregate_not_found`, `chunk_frozen`, `generated_lost`, `retention_would_drop`.
  init(_ state: HypertableState, _ wish: Wish) throws {
    self.state = state
    if wish.hasDay { try refuseFrozen() }
    try planAggregates(wish)
    planChunks(wish)
    guard !losesGenerated else { throw generatedLost() }
    threats = state.policies.filter { $0.drops(state) }
    guard threats.isEmpty || wish.keepUntil != nil || wish.timescale.ignoreRetention else { throw dropped() }
    let paused = state.policies.filter { $0.kind == .retention && $0.isOwn && !$0.isScheduled }
    if !paused.isEmpty, wish.keepUntil == nil {
      warnings.append(
        "\(paused.map(\.words).joined(separator: ", ")) is paused, and may drop the restored rows again when it runs again"
      )
    }
    let unknown = state.policies.filter { $0.mayDrop(state) }
    if !unknown.isEmpty, !wish.timescale.pauseJobs {
      warnings.append(
        "whether \(unknown.map(\.words).joined(separator: ", ")) would drop the restored rows again is not known")
    }
    if !threats.isEmpty, !wish.timescale.pauseJobs {
      let help =
        threats.allSatisfy(\.canBePaused)
        ? "pass pause_jobs true (--pause-jobs) to pause it meanwhile" : "remove the policy meanwhile"
      warnings.append(
        "\(threats.map(\.words).joined(separator: ", ")) would drop the restored rows again"
          + (wish.keepUntil == nil ? "" : "; the hold does not stop it: \(help)"))
    }
  }

  private func refuseFrozen() throws {
    guard let chunk = state.touched.first(where: \.isFrozen) else { return }
    throw JobError(
      .chunkFrozen,
      "the chunk \(chunk.table) of \(hypertable.table) is frozen and takes no rows; nothing was changed. Unfreeze it: SELECT "
        + "_timescaledb_functions.unfreeze_chunk('\(SQL.name(chunk.table).replacing("'", with: "''"))'), then run the job again",
      details: ["chunk": .string("\(chunk.table)")])
  }

  private mutating func planAggregates(_ wish: Wish) throws {
    switch wish.timescale.refresh {
    case .none:
      noRefresh = state.aggregates.isEmpty ? "the table has no continuous aggregates" : "not asked for"
      if !state.aggregates.isEmpty {
        warnings.append(
          "continuous aggregates over the table were not refreshed: "
            + "\(state.aggregates.map { "\($0.view)" }.joined(separator: ", ")); pass refresh_caggs \"all\" (--refresh-cagg all) "
            + "to refresh them")
      }
    case .all:
      refresh = state.aggregates
      if refresh.isEmpty { noRefresh = "the table has no continuous aggregates" }
    case .named(let names):
      if let unknown = names.first(where: { name in !state.aggregates.contains { $0.view == name } }) {
        throw Self.unknown(unknown, hypertable.table, state.aggregates.map(\.view))
      }
      planSources(of: names)
      if names.isEmpty { noRefresh = "not asked for" }
    }
    if state.end == nil, !refresh.isEmpty {
      noRefresh =
        !wish.hasDay
        ? "the file has no day, by which the buckets of its rows are known; refresh by hand"
        : "the rows' time is in another column than \(hypertable.dimension.column), by which the buckets are made; refresh by hand"
      refresh = []
      warnings.append("aggregates were not refreshed: \(noRefresh ?? "")")
    }
    if hypertable.edition == .apache, !refresh.isEmpty {
      noRefresh = "the server runs the Apache edition, which refreshes no aggregates"
      refresh = []
    }
  }

  /// Plans the named aggregates, and those that they read: a refresh takes over the rows of its source as they are, and they may
  /// be gone.
  private mutating func planSources(of names: [TableName]) {
    var wanted = Set(names)
    // Each comes after what it reads.
    for aggregate in state.aggregates.reversed() where wanted.contains(aggregate.view) {
      if let source = aggregate.source { wanted.insert(source) }
    }
    refresh = state.aggregates.filter { wanted.contains($0.view) }
    let added = refresh.map(\.view).filter { !names.contains($0) }
    guard !added.isEmpty else { return }
    warnings.append(
      "\(added.map { "\($0)" }.joined(separator: ", ")), which the named aggregates read, are refreshed before them")
  }

  /// Why an aggregate of ``refresh`` is not refreshed; nil where it is.
  func hindrance(of aggregate: ContinuousAggregate) -> String? {
    guard aggregate.isOwned else {
      return "not owner: only \(aggregate.owner) and roles that inherit its rights refresh it"
    }
    guard let source = refresh.first(where: { $0.view == aggregate.source }), hindrance(of: source) != nil else {
      return nil
    }
    return "it reads \(source.view), which is not refreshed"
  }

  /// The error for a name that is no aggregate over the table.
  static func unknown(_ name: TableName, _ table: TableName, _ known: [TableName]) -> JobError {
    let others = known.isEmpty ? "it has none" : "it has \(known.map { "\($0)" }.joined(separator: ", "))"
    return JobError(
      .aggregateNotFound,
      "there is no continuous aggregate \(name) over \(table) (\(others)); nothing was loaded",
      field: "timescaledb.refresh_caggs")
  }

  private mutating func planChunks(_ wish: Wish) {
    let compressed = state.touched.filter(\.isCompressed)
    defer { losesGenerated = wish.wouldLoseGenerated && decompress != compressed }
    let hindrance = hypertable.compressionHindrance
    noRecompress =
      hindrance ?? (wish.timescale.recompressWindow == false ? "recompress_window is false" : nil)
    guard !compressed.isEmpty else {
      decompressDetail = "no chunk of the day is compressed"
      return
    }
    guard wish.hasDay else {
      decompressDetail = "the file has no day, by which the chunks of its rows are known"
      noRecompress = decompressDetail
      warnings.append("chunks that get rows beside compressed ones are not compressed again: the file has no day")
      return
    }
    guard hindrance == nil else {
      decompressDetail = hindrance.map { "\($0). \(remedy)" }
      noRecompress = decompressDetail
      return
    }
    guard wish.timescale.decompressWindow != false else {
      decompressDetail = "decompress_window is false"
      return
    }
    let isNeeded =
      wish.hasUniqueIndex || wish.wouldLoseGenerated || (wish.onExisting == .replace && wish.replacesRows)
    guard isNeeded || wish.timescale.decompressWindow == true else {
      decompressDetail = "rows are loaded into compressed chunks directly, which is faster"
      return
    }
    guard wish.keepsOwed else {
      decompressDetail =
        "what was compressed cannot be kept in sluice.restore_log, so that a run that is killed would leave it decompressed"
      return
    }
    decompress = compressed
  }

  private func generatedLost() -> JobError {
    JobError(
      .generatedLost,
      "\(hypertable.table) has generated columns, whose values TimescaleDB loses where rows are inserted from a staging table into "
        + "a compressed chunk, and the chunks of the day are not decompressed before: \(decompressDetail ?? ""). Nothing was loaded. "
        + "Load with \(field: "destination.mode") \"direct\", or have the owner of the table decompress the chunks",
      field: "destination.mode")
  }

  /// How a role without ownership gets its chunks compressed.
  private var remedy: String {
    hypertable.edition == .apache
      ? ""
      : "GRANT the role \(hypertable.owner) to this one, or have a compression policy compress the chunk"
  }

  /// The chunks from which replaced rows are deleted one by one; nil deletes from the table.
  var chunksToClear: [TableName]? {
    let isPlain = state.touched.allSatisfy { chunk in !chunk.isCompressed || decompress.contains(chunk) }
    return hypertable.isOwned && state.end != nil && isPlain ? state.touched.map(\.table) : nil
  }

  /// Those of `after` that were not there when the plan was made.
  func added(_ after: [Chunk]) -> [Chunk] {
    let before = Set(state.chunks.map(\.oid))
    return after.filter { !before.contains($0.oid) }
  }

  /// The chunks to compress again, from how they are after the load: those that were compressed before and are not wholly now.
  /// - Parameter made: the OIDs of the chunks that the load has made, where they are compressed too, since the archived ones were.
  func recompress(_ after: [Chunk], made: Set<Int>) -> [Chunk] {
    guard noRecompress == nil else { return [] }
    let before = Dictionary(state.chunks.map { ($0.oid, $0) }) { first, _ in first }
    return after.filter { chunk in
      guard let old = before[chunk.oid] else {
        return made.contains(chunk.oid) && hypertable.hasCompression && !chunk.isCompressed
      }
      return old.isCompressed && (!chunk.isCompressed || chunk.isPartial)
    }
  }

  private func dropped() -> JobError {
    let pause: ErrorText =
      threats.allSatisfy(\.canBePaused)
      ? "Pass \(field: "keep_until") with \(field: "pause_jobs") to pause it until then, or "
      : "This version of TimescaleDB cannot pause it: remove the policy meanwhile, or pass "
    return JobError(
      .retentionWouldDrop,
      "\(threats.map(\.words).joined(separator: ", ")) would drop the restored rows of \(hypertable.table) again; nothing was "
        + "changed. " + pause + "\(field: "ignore_retention") to load all the same",
      field: "keep_until",
      details: ["jobs": .array(threats.map { .integer($0.id) })])
  }
}

extension TimescalePolicy {
  /// The job with its rule and its next run.
  var words: String {
    let rule = age.map { createdBefore == nil ? " (older than \($0))" : " (chunks made more than \($0) ago)" } ?? ""
    return "the \(name) job \(id)\(rule)\(nextRun.map { ", next run \($0)" } ?? "")"
  }

  /// `retention`, `compression` or `refresh`.
  var name: String {
    switch kind {
    case .retention: "retention"
    case .compression: "compression"
    case .refresh: "refresh"
    }
  }
}
