import Archive
import Foundation
import Reporting
import TableDays

extension NightlyBackup {
  /// Archives the days again that have more rows than their archives: by the path of `overwrite`, so that each old file stays
  /// until the new one is in its place, and one that may hold more than the new one stays. Days with fewer rows are left.
  func archiveAgain(
    _ report: inout NightlyReport, database: String, within time: FunctionTime?
  ) async throws {
    let plan = lateDays(report, database: database)
    guard !plan.units.isEmpty, !Task.isCancelled else { return }
    let again = try await BackupJob(context, options, progress: progress, onResult: onResult).run(plan, within: time)
    for result in again.results where result.status == .ok {
      guard let index = report.changed.firstIndex(where: { $0.table == result.table && $0.date == result.date }) else {
        continue
      }
      report.changed[index].archivedAgain = true
    }
    report.backup.results += again.results
  }

  /// The days that have more rows than their archives.
  func lateDays(_ report: NightlyReport, database: String) -> BackupPlan {
    let late = report.changed.filter { $0.tableRows > $0.archiveRows }
    return BackupPlan(again: late.map { ($0.table, $0.date) }, options, database: database)
  }

  /// Writes one line for each table: what the night did.
  func tell(_ report: NightlyReport) {
    for night in report.tables(options.tables.map(\.table)) {
      Log.write(
        night.isWell ? .info : .warning, "nightly backup of a table",
        [
          "table": night.table, "archived": night.archived, "again": night.again, "kept": night.kept,
          "failed": night.failed, "not_begun": night.notBegun, "fewer_rows": night.fewer, "rows": night.rows,
          "gzip_bytes": night.gzipBytes,
        ])
    }
  }
}

extension NightlyReport {
  /// What a night did of one table.
  struct TableNight: Equatable {
    let table: TableName
    /// Days that have an archive since this night.
    var archived = 0
    /// Days that were archived again.
    var again = 0
    /// Days that were kept as they are, or have nothing to archive.
    var kept = 0
    var failed = 0
    var notBegun = 0
    /// Days whose rows are fewer than their archives hold.
    var fewer = 0
    var rows = 0
    var gzipBytes = 0

    /// Whether nothing is left to do.
    var isWell: Bool { failed == 0 && notBegun == 0 && fewer == 0 }
  }

  /// What the night did of each of `tables`.
  func tables(_ tables: [TableName]) -> [TableNight] {
    tables.map { table in
      var night = TableNight(table: table)
      let days = Set(changed.filter { $0.table == table && $0.archivedAgain == true }.map(\.date))
      for result in backup.results where result.table == table {
        switch result.status {
        case .ok:
          if days.contains(result.date) { night.again += 1 } else { night.archived += 1 }
          night.rows += result.rows ?? 0
          night.gzipBytes += result.gzipBytes ?? 0
        case .skipped: night.kept += 1
        case .failed, .unconfirmed: night.failed += 1
        case .notBegun: night.notBegun += 1
        }
      }
      night.fewer = changed.count { $0.table == table && $0.tableRows < $0.archiveRows && !$0.isDropped }
      return night
    }
  }

  /// The night in a few lines, for people.
  package var summary: String {
    let nights = tables(Set(backup.results.map(\.table)).union(changed.map(\.table)).union(unreviewed).sorted())
    let total = nights.reduce(into: (archived: 0, again: 0, failed: 0, notBegun: 0, rows: 0)) {
      $0.archived += $1.archived
      $0.again += $1.again
      $0.failed += $1.failed
      $0.notBegun += $1.notBegun
      $0.rows += $1.rows
    }
    var lines = [
      Self.headline(
        status, archived: total.archived, again: total.again, failed: total.failed, notBegun: total.notBegun,
        rows: total.rows)
    ]
    for night in nights where !night.isWell || night.again > 0 {
      var parts: [String] = []
      if night.again > 0 { parts.append("\(night.again) archived again") }
      if night.failed > 0 { parts.append("\(night.failed) failed") }
      if night.notBegun > 0 { parts.append("\(night.notBegun) not begun") }
      if night.fewer > 0 { parts.append("\(night.fewer) with fewer rows than their archives, left as they are") }
      lines.append("\(night.table): \(parts.joined(separator: ", "))")
    }
    // A table with a gap each weekend has hundreds of spans; the report lists them.
    for (table, spans) in Dictionary(grouping: unarchived, by: \.table).sorted(by: { $0.key < $1.key }) {
      guard let first = spans.map(\.from).min(), let last = spans.map(\.to).max() else { continue }
      let days = spans.reduce(0) { $0 + $1.from.count(through: $1.to) }
      lines.append(
        "\(table): never archived, before the look-back: "
          + (days == 1 ? "\(first)" : "\(days) days from \(first) to \(last)"))
    }
    if !unreviewed.isEmpty { lines.append("not reviewed: \(unreviewed.map(\.description).joined(separator: ", "))") }
    return lines.joined(separator: "\n")
  }
}
