import Archive
import Essentials
import Jobs
import TableDays

/// Prints a listing of archives, in pieces: a lake may hold a hundred thousand.
struct ArchivesListing {
  let coverage: Coverage
  let request: ArchivesRequest
  let lake: String
  let summaries: [Coverage.Summary]
  let total: Coverage.Summary

  init(coverage: Coverage, request: ArchivesRequest, lake: String) {
    self.coverage = coverage
    self.request = request
    self.lake = lake
    summaries = coverage.summaries(in: request.bounds)
    total = Coverage.total(summaries)
  }

  /// Days that are in memory at a time.
  private static let piece = 1000

  /// Hands out the request's days piece by piece.
  /// - Returns: where the listing goes on; nil at its end.
  private func forEachPiece(_ body: ([Coverage.Item]) throws -> Void) rethrows -> ArchiveCatalog.Position? {
    var position = request.position
    var left = request.limit
    while true {
      let page = coverage.page(request.bounds, request.statuses, after: position, limit: min(left, Self.piece))
      try body(page.items)
      left -= page.items.count
      guard let next = page.next, left > 0 else { return page.next }
      position = next
    }
  }

  /// The members of an answer after its `archives`.
  private struct Rest: Encodable {
    let database: String
    let lake: String
    let next: String?
    let problems: [String]?
    let tables: [Coverage.Summary]
    let total: Coverage.Summary
  }

  /// One line of JSON, as `GET /api/archives` answers.
  func printJSON() throws {
    Output.bytes(Array(#"{"archives":["#.utf8))
    var isFirst = true
    let next = try forEachPiece { items in
      guard !items.isEmpty else { return }
      let list = try ReportJSON.bytes(items)
      Output.bytes((isFirst ? [] : [UInt8(ascii: ",")]) + list.dropFirst().dropLast())
      isFirst = false
    }
    let rest = try ReportJSON.line(
      Rest(
        database: coverage.inventory.database, lake: lake, next: next.map { "\($0)" }, problems: coverage.problems,
        tables: summaries, total: total))
    Output.bytes(Array("],".utf8) + rest.dropFirst())
  }

  /// Text for people.
  /// - Parameter days: a line for each day; else a drawing of the months.
  func printText(days: Bool) {
    var next: ArchiveCatalog.Position?
    if days {
      next = forEachPiece { items in
        guard !items.isEmpty else { return }
        Output.bytes(Array(items.map { Self.line($0).visibleLine() + "\n" }.joined().utf8))
      }
      for summary in summaries { Output.line(Self.line(summary).visibleLine()) }
    } else {
      for summary in summaries {
        Output.line(Self.line(summary).visibleLine())
        guard let table = summary.table, let from = summary.from, let to = summary.to else { continue }
        for line in CoverageCalendar.months(of: table, from...to, coverage) { Output.line("  " + line) }
      }
      if !summaries.isEmpty { Output.line(CoverageCalendar.legend) }
    }
    if summaries.isEmpty {
      Output.line(
        coverage.tables.isEmpty
          ? "the lake has no archives of the database \(coverage.inventory.database)"
          : "there are no such days in the lake")
    } else if summaries.count > 1 {
      Output.line("\(Figures.count(summaries.count)) tables: \(Self.words(total))")
    }
    for problem in coverage.problems ?? [] { Output.line(problem.visibleLine()) }
    Output.line("lake: \(lake)")
    if let next { Output.error("sluice: the listing goes on; list the rest with --after \(next)") }
  }

  static func line(_ summary: Coverage.Summary) -> String {
    let span = summary.from.flatMap { from in summary.to.map { " \(from) to \($0)" } } ?? ""
    return "\(summary.table.map(\.description) ?? "")\(span): \(words(summary))"
  }

  /// `31 days: 30 verified, 1 missing; 1,234 rows, 1.2 MB gzip`.
  static func words(_ summary: Coverage.Summary) -> String {
    let counts = Coverage.Status.allCases.compactMap { status in
      summary.days[status].flatMap { $0 > 0 ? "\(Figures.count($0)) \(status.words)" : nil }
    }
    let days = summary.count { _ in true }
    return "\(Figures.count(days)) \(days == 1 ? "day" : "days"): \(counts.joined(separator: ", ")); "
      + "\(Figures.count(summary.rows)) rows, \(Figures.megabytes(summary.gzipBytes)) gzip"
  }

  static func line(_ item: Coverage.Item) -> String {
    let day = "\(item.table) \(item.date)"
    guard let bytes = item.gzipBytes else {
      let hint = item.pastLookback == true ? "  (before BACKUP_LOOKBACK_DAYS: archive it with `sluice backup`)" : ""
      return "\(day)  \(item.status.words)\(hint)\(item.detail.map { "  (\($0))" } ?? "")"
    }
    let rows = item.rows.map { "\(Figures.count($0)) rows" } ?? "rows unknown"
    let status = item.status == .archived ? "" : "  \(item.status.words)"
    return "\(day)  \(rows)  \(Figures.megabytes(bytes)) gzip\(status)\(item.detail.map { "  (\($0))" } ?? "")"
  }
}

extension Coverage.Status {
  /// The status in a sentence.
  var words: String {
    self == .expected ? "never archived" : rawValue.replacing("_", with: " ")
  }
}
