import Archive
import Database
import Foundation
import Lake
import Postgres
import Reporting
import TableDays

/// Lists the chunks or partitions of a table. It reads, and changes nothing.
package struct ChunksJob: Sendable {
  let context: JobContext
  let options: BackupOptions

  package init(_ context: JobContext, _ options: BackupOptions) {
    self.context = context
    self.options = options
  }

  /// How long a locked table is waited for.
  private static let patience = Duration.seconds(2)
  /// The most days over which rows are counted and manifests are read.
  private static let mostDays = TableDay.maximumAtOnce

  /// What the database tells.
  private struct Seen: Sendable {
    var column: TimeColumn
    var parts: [TablePart] = []
    var total = 0
    var mayDrop = false
    /// The rows of each day; nil where they were not counted.
    var rows: [Day: Int]?
    var warnings: [String] = []
  }

  /// - Throws: ``JobError``, `LakeError`.
  package func run(_ request: ChunksRequest) async throws -> ChunksReport {
    let table = request.table.over(options.options(of: request.table.table))
    let target = try context.server.target()
    let seen = try await context.sessions.pools.withConnection(to: target) { connection in
      try await connection.reading(table.table, patience: Self.patience) { connection in
        try await look(at: table, request, on: connection)
      }
    }
    let zone = zone(of: table, seen.column)
    var manifests: [Day: ArchiveManifest?] = [:]
    if let days = Self.days(of: seen.parts, by: seen.column, in: zone) {
      manifests = try await ArchiveCatalog(context.lake).manifests(of: table.table, database: target.database, in: days)
    }
    let judge = ChunkJudge(
      column: seen.column, zone: zone, today: Day(context.now(), in: table.clock ?? options.timeZone),
      manifests: manifests,
      rows: seen.rows, mayDrop: seen.mayDrop)
    return ChunksReport(
      database: target.database, table: table.table, lake: context.lakeURL, timeColumn: seen.column.name.text,
      chunks: seen.parts.map(judge.chunk), total: seen.total, warnings: seen.warnings)
  }

  private func zone(of table: TableOptions, _ column: TimeColumn) -> TimeZone {
    column.kind.tellsInstants ? options.timeZone : table.clock ?? options.timeZone
  }

  private func look(
    at table: TableOptions, _ request: ChunksRequest, on connection: PostgresConnection
  ) async throws -> Seen {
    let facts = try await TableFacts.read(
      table.table, for: .read, allowsView: table.allowsView ?? false, on: connection)
    let resolved = try await facts.timeColumn(
      named: table.timeColumn.map { ColumnName($0) }, unit: table.unit, remedy: "after a colon in \(field: "table")",
      field: "table"
    ).resolved(in: facts, on: connection)
    var seen = Seen(column: resolved.column, warnings: [resolved.warning].compactMap(\.self))
    let zone = zone(of: table, seen.column)
    let parts = try await facts.parts(
      overlapping: seen.column.span(from: request.from, to: request.to, in: zone), by: seen.column, on: connection)
    seen.total = parts.count
    seen.parts = Array(parts.prefix(request.limit))
    seen.mayDrop = facts.mayDropParts
    if parts.count > request.limit {
      seen.warnings.append(
        "\(parts.count - request.limit) more chunks are not listed; name days with `from` and `to`, or a greater `limit`"
      )
    }
    if facts.dimensionColumn != seen.column.name {
      seen.warnings.append("\(table.table) has no chunks or partitions by ranges of \(seen.column.name)")
    }
    guard !seen.parts.isEmpty else { return seen }
    try await facts.measure(&seen.parts, on: connection)
    guard request.counts, let days = Self.days(of: seen.parts, by: seen.column, in: zone) else { return seen }
    let first = days.lowerBound, last = days.upperBound
    guard let span = seen.column.span(from: first, to: last, in: zone) else { return seen }
    do {
      try await facts.refuseUnreadableChunks(of: span, by: seen.column, on: connection)
      seen.rows = try await TableRows(facts, by: seen.column, on: connection).counts(of: days, in: zone)
    } catch let error as JobError where [.chunkNotReadable, .tableChanged].contains(error.code) {
      seen.warnings.append("the rows were not counted: \(error.message)")
    }
    return seen
  }

  /// The days that the parts overlap, from the first to the last; nil where there are none, or too many.
  private static func days(of parts: [TablePart], by column: TimeColumn, in zone: TimeZone) -> ClosedRange<Day>? {
    let ranges = parts.compactMap { $0.days(by: column, in: zone) }
    guard let first = ranges.map(\.lowerBound).min(), let last = ranges.map(\.upperBound).max(),
      first.count(through: last) <= mostDays
    else { return nil }
    return first...last
  }
}
