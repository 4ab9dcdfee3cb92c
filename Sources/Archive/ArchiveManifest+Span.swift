package import Foundation
package import TableDays

extension ArchiveManifest {
  /// The kind of the time column: as recorded, or, in a manifest that does not record it, that of its type. Nil for a type
  /// that does not tell, such as a domain's.
  package var timeKind: DaySpan.Kind? {
    if let kind = window.kind { return kind }
    let column = columns.first { ColumnName($0.name) == ColumnName(window.timeColumn) }
    return column.flatMap { DaySpan.Kind(type: $0.type) }
  }

  /// The archived values of a time column of `kind`: as recorded, or, in a manifest that does not record them, the values
  /// that all columns of `kind` were archived by.
  /// - Returns: nil when the archive was made by a column of another kind. Integers of two lengths are of one kind where
  ///   both hold the values.
  package func span(of kind: DaySpan.Kind) -> DaySpan? {
    let own = timeKind ?? kind
    guard let recorded = recordedSpan(as: kind) else {
      guard own == kind else { return nil }
      switch kind {
      case .instant: return DaySpan(kind: kind, start: window.start, end: window.end)
      case .wallClock, .date: return DaySpan(kind: kind, start: "\(date)", end: "\(date.adding(days: 1))")
      // No version has archived by integers without recording the values.
      case .bigint, .integer: return nil
      }
    }
    if own == kind { return recorded }
    guard own.integers != nil, let range = kind.integers, let start = Int(recorded.start), let end = Int(recorded.end),
      range.contains(start), range.contains(end)
    else { return nil }
    return recorded
  }

  private func recordedSpan(as kind: DaySpan.Kind) -> DaySpan? {
    guard window.kind != nil, let start = window.startValue, let end = window.endValue else { return nil }
    return DaySpan(kind: kind, unit: window.unit, start: start, end: end)
  }

  /// The archived span, for comparison with that of another archive of the table.
  package var extent: Extent { Extent(window, timeKind) }
}

extension ArchiveManifest.Window {
  /// The span, for comparison with that of another archive of the table.
  package var extent: ArchiveManifest.Extent { ArchiveManifest.Extent(self, kind) }
}

extension ArchiveManifest {
  /// The span of an archive, for comparison with the span of another archive of the same table.
  package struct Extent: Sendable, Equatable {
    /// Nil where it is not known.
    package let kind: DaySpan.Kind?
    /// What the values of an integer column count.
    package let unit: TimeUnit?
    package let timeColumn: ColumnName
    private let start: Date?
    private let end: Date?
    private let texts: [String]

    fileprivate init(_ window: Window, _ kind: DaySpan.Kind?) {
      self.kind = kind
      unit = window.unit
      timeColumn = ColumnName(window.timeColumn)
      start = try? Date(window.start, strategy: .iso8601)
      end = try? Date(window.end, strategy: .iso8601)
      texts = [window.start, window.end]
    }

    /// Whether both archives hold the rows of the same values of the same column.
    package static func == (one: Extent, other: Extent) -> Bool {
      guard one.timeColumn == other.timeColumn else { return false }
      if let kind = one.kind, let otherKind = other.kind {
        guard kind == otherKind, one.unit == other.unit else { return false }
        // The days of columns without a zone are the same on every clock.
        if !kind.tellsInstants { return true }
      }
      guard one.start != nil, one.end != nil else { return one.texts == other.texts }
      return one.start == other.start && one.end == other.end
    }

    /// Whether the archive holds the instants of `window`.
    package func isOf(_ window: DayWindow) -> Bool { start == window.start && end == window.end }

    /// Where a day's archive and that of the next day do not meet.
    package enum Seam: Sendable, Equatable {
      /// The rows from the first instant to before the second are in neither.
      case gap(Date, Date)
      /// The rows from the first instant to before the second are in both.
      case overlap(Date, Date)
    }

    /// The seam between the archive of a day, `self`, and that of the next day; nil where they meet.
    package func seam(with next: Extent) -> Seam? {
      if let kind = kind ?? next.kind, !kind.tellsInstants { return nil }
      guard let end, let start = next.start, end != start else { return nil }
      return end < start ? .gap(end, start) : .overlap(start, end)
    }
  }
}
