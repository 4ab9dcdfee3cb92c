package import Foundation
package import Postgres
package import TableDays

extension TimeColumn {
  /// The values of the day of `window` as the catalog of chunks counts them; nil where they cannot be counted.
  package func chunkValues(of window: DayWindow) -> Range<Int>? {
    let day = kind.tellsInstants ? window : DayWindow(window.day, in: .gmt)
    let counted = unit ?? (kind.integers == nil ? .microseconds : nil)
    guard let counted, let start = counted.value(of: day.start), let end = counted.value(of: day.end), start < end
    else {
      return nil
    }
    return start..<end
  }
}

extension TableFacts {
  /// The most days of native partitions that one question looks for: each takes a query.
  private static let mostDays = 1_000

  /// Those of `days`, in order, that no chunk or partition overlaps.
  package func missing(
    _ days: [Day], in zone: TimeZone, by column: TimeColumn, on connection: PostgresConnection
  ) async throws -> Set<Day> {
    guard let first = days.first, let last = days.last else { return [] }
    var found: Set<Day> = []
    if chunked != nil {
      let whole = (try column.span(of: DayWindow(first, in: zone)), try column.span(of: DayWindow(last, in: zone)))
      let span = DaySpan(kind: column.kind, unit: column.unit, start: whole.0.start, end: whole.1.end)
      guard try await missing(of: span, by: column, on: connection) == nil else { return Set(days) }
      guard let chunks = try await chunks(of: span, by: column, on: connection), !chunks.isEmpty else { return [] }
      for day in days {
        guard let values = column.chunkValues(of: DayWindow(day, in: zone)) else { continue }
        if !chunks.contains(where: { $0.start < values.upperBound && $0.end > values.lowerBound }) { found.insert(day) }
      }
    } else if partitions != nil {
      for day in days.prefix(Self.mostDays) {
        let span = try column.span(of: DayWindow(day, in: zone))
        if try await missing(of: span, by: column, on: connection) != nil { found.insert(day) }
      }
    }
    return found
  }
}
