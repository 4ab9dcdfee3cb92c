import Archive
import Database
import Foundation
import Postgres
import Reporting
import TableDays

/// The refresh of a continuous aggregate over the days of a restore.
///
/// A refresh computes whole buckets from the rows that the table has now. A bucket of which other days were dropped would lose
/// them; so it is left as it is, and named.
struct AggregateRefresh: Sendable {
  let aggregate: ContinuousAggregate
  let hypertable: Hypertable
  let days: RowsOfDays

  /// What is refreshed for a span.
  struct Plan: Sendable, Equatable {
    /// The ranges of whole buckets that are refreshed.
    var ranges: [ContinuousAggregate.Buckets] = []
    /// The ranges that are left, with the days that lack rows.
    var left: [(range: ContinuousAggregate.Buckets, days: [Day])] = []

    static func == (one: Plan, other: Plan) -> Bool {
      one.ranges == other.ranges && one.left.map(\.range) == other.left.map(\.range)
        && one.left.map(\.days) == other.left.map(\.days)
    }

    /// The ranges that are left, in words.
    var leftWords: String {
      left.map {
        "the buckets from \($0.range.start.text) to \($0.range.end.text), since "
          + "\($0.days.map(\.description).joined(separator: ", ")) \($0.days.count == 1 ? "lacks" : "lack") rows"
      }
      .joined(separator: "; ")
    }
  }

  /// Finds out what can be refreshed for `span`.
  func plan(_ span: DaySpan, on connection: PostgresConnection) async throws -> Plan {
    let whole = try await aggregate.buckets(of: span, in: hypertable, on: connection)
    var plan = Plan()
    for day in try await days.lacking(from: whole.start, to: whole.end, on: connection) {
      let range = try await aggregate.buckets(of: days.span(of: day), in: hypertable, on: connection)
      // A day at the edge reaches into buckets that the restore does not touch.
      if let index = plan.left.firstIndex(where: { $0.range == range }) {
        plan.left[index].days.append(day)
      } else if range.end > whole.start, range.start < whole.end {
        plan.left.append((range, [day]))
      }
    }
    // A bucket that is not there has no days to lose.
    for (index, left) in plan.left.enumerated().reversed()
    where try await !aggregate.hasBucket(of: left.range, on: connection) {
      plan.left.remove(at: index)
    }
    plan.ranges = whole.without(plan.left.map(\.range))
    return plan
  }

  /// Refreshes what can be.
  func perform(_ span: DaySpan, on connection: PostgresConnection) async throws -> RestoreStep {
    let plan = try await plan(span, on: connection)
    for range in plan.ranges { try await aggregate.refresh(range, in: hypertable, on: connection) }
    var step = RestoreStep(name: .refresh, status: plan.ranges.isEmpty ? .skipped : .done)
    step.touched =
      plan.ranges.isEmpty
      ? ["\(aggregate.view)"] : plan.ranges.map { "\(aggregate.view) \($0.start.text) to \($0.end.text)" }
    if !plan.left.isEmpty { step.detail = "left as they are: \(plan.leftWords)" }
    return step
  }
}

/// Whether the days of a table have all their rows: those that their archives hold.
struct RowsOfDays: Sendable {
  let context: JobContext
  /// The zone of the archives' days.
  let timeZone: TimeZone
  let owed: OwedSteps
  let facts: TableFacts
  /// Days that are known to have them.
  let whole: Set<Day>

  /// The zone in which the values of the time column have their days.
  private var zone: TimeZone { owed.kind.tellsInstants ? timeZone : .gmt }

  /// The span of `day` in values of the time column.
  func span(of day: Day) throws -> DaySpan { try owed.timeColumn.span(of: DayWindow(day, in: zone)) }

  /// The day of a value as the catalog counts it.
  private func day(of value: Int) -> Day {
    let unit = owed.unit ?? .microseconds
    return Day(unit.instant(of: value), in: zone)
  }

  /// The rows that `day` should have: those of the table's own archive, and of the table that was restored from, the most of
  /// them. An archive without a manifest counts as one row. Nil where nothing says: that the day of another table has no rows says
  /// nothing of this one.
  private func archivedRows(of day: Day, on connection: PostgresConnection) async throws -> Int? {
    let own = TableDay(database: connection.target.database, table: facts.table, day: day)
    let others: Set = [
      TableDay(database: owed.archives, table: owed.sourceName, day: day),
      TableDay(database: connection.target.database, table: owed.tableName, day: day),
    ]
    var rows = try await rows(in: own)
    for tableDay in others where tableDay != own {
      guard let found = try await self.rows(in: tableDay), found > 0 else { continue }
      rows = max(rows ?? 0, found)
    }
    return rows
  }

  private func rows(in tableDay: TableDay) async throws -> Int? {
    guard let entry = try await tableDay.archive(in: context.lake) else { return nil }
    return try await ArchiveManifest.find(for: entry, in: context.lake).manifest?.rows ?? 1
  }

  /// Whether the table may have had rows before its first chunk, and after its last one.
  private struct Beyond {
    /// The range of the chunks.
    let start, end: Int
    let hasEarlier, hasLater: Bool

    func mayHaveRows(from low: Int, to high: Int) -> Bool {
      if high <= start { return hasEarlier }
      return low >= end ? hasLater : true
    }
  }

  /// Looks for stored buckets beyond those that the chunks can have filled, in all aggregates: they outlive their raw rows. Of
  /// the bucket at the edge nothing tells which days it counted.
  private func beyond(
    _ chunks: [Chunk], _ hypertable: Hypertable, on connection: PostgresConnection
  ) async throws -> Beyond {
    guard let start = chunks.map(\.start).min(), let end = chunks.map(\.end).max() else {
      return Beyond(start: 0, end: 0, hasEarlier: false, hasLater: false)
    }
    var (hasEarlier, hasLater) = (false, false)
    for aggregate in try await ContinuousAggregate.over(hypertable, on: connection) where aggregate.isOwned {
      if start != .min, !hasEarlier {
        let edge = try await aggregate.buckets(of: span(of: day(of: start)), in: hypertable, on: connection).start
        hasEarlier = try await aggregate.hasBucket(before: edge, on: connection)
      }
      if end != .max, !hasLater {
        let edge = try await aggregate.buckets(of: span(of: day(of: end - 1)), in: hypertable, on: connection).end
        hasLater = try await aggregate.hasBucket(from: edge, on: connection)
      }
    }
    return Beyond(start: start, end: end, hasEarlier: hasEarlier, hasLater: hasLater)
  }

  /// The days of a range, which are not all there: fewer rows than the archive has, or a chunk that is gone.
  func lacking(
    from start: ContinuousAggregate.Bound, to end: ContinuousAggregate.Bound,
    on connection: PostgresConnection
  ) async throws -> [Day] {
    guard let hypertable = facts.hypertable else { return [] }
    var lacking: [Day] = []
    let rows = TableRows(facts, by: owed.timeColumn, on: connection)
    let chunks = try await hypertable.chunks(overlapping: nil, on: connection)
    var beyond: Beyond?
    for day in day(of: start.value).through(day(of: end.value - 1)) where !whole.contains(day) {
      let span = try span(of: day)
      let (low, high) = try await hypertable.internalValues(of: span, on: connection)
      let own = chunks.filter { $0.start < high && $0.end > low }
      guard let archived = try await archivedRows(of: day, on: connection) else {
        if !own.isEmpty {
          // A chunk that was made after the day was over may stand in the place of one that was dropped with the day's rows.
          let dayEnd = DayWindow(day, in: zone).end
          if try await hypertable.wereMade(own, after: dayEnd, on: connection), try await rows.count(in: span) == 0 {
            lacking.append(day)
          }
        } else {
          // Before the first row, after the last one, or dropped.
          let known = if let beyond { beyond } else { try await self.beyond(chunks, hypertable, on: connection) }
          beyond = known
          if known.mayHaveRows(from: low, to: high) { lacking.append(day) }
        }
        continue
      }
      guard archived > 0 else { continue }
      if own.isEmpty {
        lacking.append(day)
      } else if try await rows.count(in: span) < archived {
        lacking.append(day)
      }
    }
    return lacking
  }
}
