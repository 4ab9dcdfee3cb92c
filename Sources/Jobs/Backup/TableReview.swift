import Archive
import Database
import Foundation
import Postgres
import Reporting
import TableDays

/// What a nightly run looks at beside the days that it archives: days that were never archived and are past the look-back,
/// and days that have got other rows since they were archived. It changes nothing.
struct TableReview: Sendable {
  let context: JobContext
  let options: BackupOptions
  let database: String
  /// When the run began: its days count, also where it goes past midnight.
  let start: Date

  /// Reviews the tables of the settings until `deadline`.
  /// - Parameter archived: the days that were archived before the run.
  func add(to report: inout NightlyReport, archived: [TableName: Set<Day>], until deadline: Date?) async {
    for table in options.tables {
      var days = archived[table.table] ?? []
      let left = deadline.map { Int($0.timeIntervalSince(context.now())) }
      guard !Task.isCancelled, left.map({ $0 > 0 }) ?? true else {
        report.unreviewed.append(table.table)
        continue
      }
      var seen = Seen()
      do {
        seen = try await look(at: table, days, seconds: left)
        report.changed += seen.changed
      } catch {
        report.unreviewed.append(table.table)
        Log.write(
          .warning, "a table was not reviewed", ["table": table.table, "reason": JobError(cause: error).message])
      }
      days.formUnion(
        report.backup.results.filter { $0.table == table.table && $0.error == nil && $0.path != nil }.map(\.date))
      // Days of the table, as far as they are known.
      let known = days.union(seen.days)
      report.unarchived += unarchived(table.table, from: known.min(), to: known.max(), days.union(seen.missing))
    }
  }

  /// The days from `first` to `last` that are not in `archived` and lie before the look-back, in spans.
  private func unarchived(
    _ table: TableName, from first: Day?, to last: Day?, _ archived: Set<Day>
  ) -> [NightlyReport.Unarchived] {
    guard let first, let last, let lookback = options.lookbackStart(of: table, now: start) else { return [] }
    let end = min(lookback, last.adding(days: 1))
    guard first < end else { return [] }
    var spans: [NightlyReport.Unarchived] = []
    var open: Day?
    for day in first.through(end) {
      if day < end, !archived.contains(day) {
        open = open ?? day
      } else if let from = open {
        spans.append(.init(table: table, from: from, to: day.adding(days: -1)))
        open = nil
      }
    }
    return spans
  }

  private struct Seen: Sendable {
    /// The days of the first and the last row before the look-back, where an index tells them.
    var days: [Day] = []
    var changed: [NightlyReport.Changed] = []
    /// Days before the look-back that no chunk or partition overlaps: there is nothing of them to archive.
    var missing: Set<Day> = []
  }

  /// Asks the database in one read-only transaction.
  /// - Parameter seconds: the time that is left.
  private func look(at table: TableOptions, _ archived: Set<Day>, seconds: Int?) async throws -> Seen {
    var manifests: [ArchiveManifest] = []
    for day in archived.sorted().suffix(options.recheckDays) {
      let tableDay = TableDay(database: database, table: table.table, day: day)
      guard let entry = try await tableDay.archive(in: context.lake),
        let manifest = try await ArchiveManifest.find(for: entry, in: context.lake).manifest
      else { continue }
      manifests.append(manifest)
    }
    let (recent, target) = (manifests, try context.server.target(database: database))
    return try await context.sessions.pools.withConnection(to: target) { connection in
      try await connection.reading(table.table, patience: .seconds(2), seconds: seconds) { connection in
        try await ask(table, recent, archived, on: connection)
      }
    }
  }

  private func ask(
    _ table: TableOptions, _ manifests: [ArchiveManifest], _ archived: Set<Day>, on connection: PostgresConnection
  ) async throws -> Seen {
    var seen = Seen()
    let facts = try await TableFacts.read(
      table.table, for: .read, allowsView: table.allowsView ?? false, on: connection)
    let named = try facts.timeColumn(
      named: table.timeColumn.map { ColumnName($0) }, unit: table.unit, remedy: "in the settings file")
    let column = try await named.resolved(in: facts, on: connection).column
    let rows = TableRows(facts, by: column, on: connection)
    for manifest in manifests where ColumnName(manifest.window.timeColumn) == column.name {
      guard let span = manifest.span(of: column.kind) else { continue }
      try await facts.refuseUnreadableChunks(of: span, by: column, on: connection)
      let count = try await rows.count(in: span)
      guard count != manifest.rows else { continue }
      seen.changed.append(
        .init(table: table.table, date: manifest.date, archiveRows: manifest.rows, tableRows: count))
    }
    guard let end = options.lookbackStart(of: table.table, now: start) else { return seen }
    let zone = column.kind.tellsInstants ? options.timeZone : table.clock ?? options.timeZone
    // Without an index they are not looked for: that would read the table.
    if try await rows.hasTimeIndex() {
      let span = try column.span(of: DayWindow(end, in: zone))
      if let days = try await rows.days(before: span, in: zone) { seen.days = [days.first, days.last] }
    }
    let known = archived.union(seen.days)
    if let first = known.min(), first < end {
      let days = first.through(end.adding(days: -1)).filter { !archived.contains($0) }
      seen.missing = try await facts.missing(days, in: zone, by: column, on: connection)
    }
    return seen
  }
}
