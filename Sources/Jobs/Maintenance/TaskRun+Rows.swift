import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays

extension TaskRun {
  /// How often a batch that meets another session's lock is tried, and how many blocks a stretch without a row may grow to.
  static let attempts = 5
  private static let longestStretch = 16_384
  /// How often a run walks through all rows: others may add rows that fit for as long as it runs.
  private static let wholeWalks = 2
  /// Keys of a dry run's sample.
  private static let sampleKeys = 5

  /// Which rows go.
  func rule(on connection: PostgresConnection) async throws -> DeletionRule {
    switch task.kind {
    case .deleteOlderThan(let own):
      let zone = job.backup.options(of: own.table).clock ?? job.backup.timeZone
      return try await .olderThan(
        own.keep, of: own.table, by: own.column, clock: zone, days: own.requiresArchive ? job.backup.timeZone : nil,
        on: connection)
    case .deduplicate(let own):
      return try await .duplicates(
        of: own.table, key: own.key, by: own.by, keepsNewest: own.keep == .newest,
        nullsAreEqual: own.nullKeys == .together, on: connection)
    case .deleteOrphans(let own):
      let zone = job.backup.options(of: own.child).clock ?? job.backup.timeZone
      return try await .orphans(
        of: own.child, own.columns, without: own.parent, own.parentColumns,
        grace: own.grace.map { ($0.column, $0.interval) }, clock: zone, on: connection)
    case .vacuum, .analyze, .reindex, .sql:
      throw JobError(.internal, "\(ErrorText(task.kind.name.rawValue)) deletes no rows")
    }
  }

  private var requiresArchive: Bool {
    if case .deleteOlderThan(let own) = task.kind { own.requiresArchive } else { false }
  }

  private var isDuplicates: Bool {
    if case .deduplicate = task.kind { true } else { false }
  }

  func deleteRows(on connection: PostgresConnection) async throws {
    guard let table = task.deletesFrom else { return }
    try await refuseHeld(table, on: connection)
    let rule = try await rule(on: connection)
    tally.update { state in
      state.result.bytesBefore = state.result.bytesBefore ?? rule.bytes
      for warning in rule.warnings where !state.result.warnings.contains(warning) {
        state.result.warnings.append(warning)
      }
    }
    guard !isDryRun else { return try await plan(rule, on: connection) }
    if requiresArchive {
      try await deleteProven(rule, on: connection)
    } else if task.archives || isDuplicates {
      try await deleteListed(rule, on: connection)
    } else if try await rule.hasRows(on: connection) {
      try await beginChange(rule)
      try await walkAll(rule, on: connection)
    }
    try await conclude(rule, on: connection)
  }

  /// Tells what a run would delete, by the same condition.
  private func plan(_ rule: DeletionRule, on connection: PostgresConnection) async throws {
    let count = try await connection.withTransaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") {
      try await $0.query("SET LOCAL row_security = off")
      return try await rule.count(on: $0)
    }
    let sample = count > 0 ? try await rule.sample(Self.sampleKeys, on: connection) : []
    tally.update { state in
      state.result.outcome = count > 0 ? .planned : .nothing
      state.result.remaining = count
      state.result.sample = sample.compactMap { JSONValue(text: $0) }
      if requiresArchive, count > 0 {
        state.result.detail = "a run deletes those of days that an archive is proven to hold"
      }
    }
    try await tellClosed(rule, on: connection)
  }

  /// The last count decides whether the task is done.
  private func conclude(_ old: DeletionRule, on connection: PostgresConnection) async throws {
    let rule = try await old.current(on: connection)
    let remaining = try await rule.count(on: connection)
    try await tellClosed(rule, on: connection)
    let bytes = try await rule.currentBytes(on: connection)
    tally.update { state in
      state.result.bytesAfter = bytes
      state.result.remaining = remaining
      state.note.relation = nil
      state.note.block = 0
      if remaining > 0, state.result.left.isEmpty {
        state.result.left.append(
          .init(
            unit: "\(rule.table)", outcome: .kept, reason: "changed_meanwhile",
            detail: "\(remaining) rows were written or changed by others meanwhile; the next run looks at them"))
      }
      if let first = state.result.left.first {
        (state.result.outcome, state.result.reason, state.result.detail) = (.kept, first.reason, first.detail)
      } else {
        state.result.outcome = state.result.rows > 0 ? .ok : .nothing
      }
    }
  }

  private func tellClosed(_ rule: DeletionRule, on connection: PostgresConnection) async throws {
    guard !rule.closed.isEmpty else { return }
    let inside = try await rule.count(everywhere: true, on: connection) - rule.count(on: connection)
    guard inside > 0 else { return }
    tally.update { state in
      state.result.left.append(
        .init(
          unit: "\(rule.closed.count) chunks", outcome: .kept, reason: "compressed",
          detail:
            "\(inside) rows are in compressed or frozen chunks, which are left alone; drop whole chunks by the retention, or decompress them"
        ))
    }
  }

  // MARK: By place

  /// Walks through the relations until none of their rows fits any more, a whole walk has deleted none, or it was done twice.
  /// - Parameter before: runs in the transaction of each batch, before it.
  func walkAll(
    _ rule: DeletionRule, on connection: PostgresConnection,
    before: @Sendable (PostgresConnection) async throws -> Void = { _ in }
  ) async throws {
    var wholeWalks = 0
    while wholeWalks < Self.wholeWalks {
      let note = tally.now.note
      let rows = tally.now.result.rows
      try await walk(rule.current(on: connection), from: note, on: connection, before: before)
      tally.update { ($0.note.relation, $0.note.block) = (nil, 0) }
      if note.relation == nil { wholeWalks += 1 }
      guard try await rule.current(on: connection).hasRows(on: connection) else { return }
      if note.relation == nil, tally.now.result.rows == rows { return }
    }
  }

  private func walk(
    _ rule: DeletionRule, from note: MaintenanceNote, on connection: PostgresConnection,
    before: @Sendable (PostgresConnection) async throws -> Void
  ) async throws {
    for leaf in rule.leaves where leaf.oid >= note.relation ?? 0 {
      do {
        try await walk(leaf, rule, from: note, on: connection, before: before)
      } catch let away as DeletionRule.Away {
        try await tell(away, rule, on: connection)
      } catch PostgresError.server(let error) {
        // Its rows are told at the end.
        guard try await rule.hasClosed(leaf, on: connection) else { throw PostgresError.server(error) }
      }
    }
  }

  /// A relation that was dropped has taken its rows with it; those of one that was detached, or has another name, stay.
  func tell(_ away: DeletionRule.Away, _ rule: DeletionRule, on connection: PostgresConnection) async throws {
    guard try await DeletionRule.exists(away.leaf, on: connection) else { return }
    let unit = "\(away.leaf.name)"
    tally.update { state in
      guard !state.result.left.contains(where: { $0.unit == unit }) else { return }
      state.result.left.append(
        .init(
          unit: unit, outcome: .kept, reason: "detached",
          detail: "\(unit) was detached from \(rule.table) or renamed while the task ran; what it still has stays"))
    }
  }

  private func walk(
    _ leaf: DeletionRule.Leaf, _ rule: DeletionRule, from note: MaintenanceNote, on connection: PostgresConnection,
    before: @Sendable (PostgresConnection) async throws -> Void
  ) async throws {
    let usual = rule.stretch(of: leaf, rows: task.batchRows)
    var stretch = usual
    var place = RowPlace(block: UInt32(leaf.oid == note.relation ? min(note.block, leaf.blocks) : 0))
    while Int(place.block) < leaf.blocks {
      try await checkLimits(on: connection)
      let end = UInt32(min(Int(place.block) + stretch, leaf.blocks))
      let from = place
      let walked = try await attempt(rule.table, on: connection) {
        try await before($0)
        return try await rule.walk(leaf, after: from, before: end, limit: task.batchRows, on: $0)
      }
      if walked.gone > 0 { tally.add(rows: walked.gone) }
      job.progress.update { $0.rows += walked.gone }
      if let last = walked.last, walked.picked >= task.batchRows {
        place = last
      } else {
        place = RowPlace(block: end)
      }
      stretch = walked.picked == 0 ? min(stretch * 2, max(usual, Self.longestStretch)) : usual
      await self.note(relation: leaf.oid, block: Int(place.block))
      if walked.gone > 0 { try await Task.sleep(for: task.pause) }
    }
  }

  /// One batch, in a transaction that asks for holds first; again where another session's lock was in the way.
  /// - Throws: ``TaskStopped`` where it stays in the way.
  func attempt<Result: Sendable>(
    _ table: TableName, on connection: PostgresConnection,
    _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    for number in 1... {
      do {
        return try await session.batch(on: connection) { connection in
          try await refuseHeld(table, on: connection)
          return try await body(connection)
        }
      } catch PostgresError.server(let error) where ["55P03", "40P01"].contains(error.sqlState) {
        guard number < Self.attempts else {
          throw TaskStopped(
            reason: "locked",
            detail:
              "another session holds rows of \(table) for longer than lock_timeout, \(Self.attempts) times; the next run goes on"
          )
        }
        try await Task.sleep(for: task.pause + .milliseconds(50 * number))
      } catch let error as JobError where error.code == .locked {
        throw TaskStopped(
          reason: "locked", detail: "another run proves, replaces or removes archives of \(table); the next run goes on"
        )
      }
    }
    throw CancellationError()
  }
}
