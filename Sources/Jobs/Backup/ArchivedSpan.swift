import Archive
import Foundation
import TableDays

/// The span of an archive, for comparing it with the span of another archive of the same table.
struct ArchivedSpan: Equatable {
  /// Nil in manifests of older versions.
  let kind: DaySpan.Kind?
  private let instants: (start: Date, end: Date)?
  private let texts: (start: String, end: String)

  init(_ window: ArchiveManifest.Window) {
    kind = window.kind
    texts = (window.start, window.end)
    if let start = Self.date(window.start), let end = Self.date(window.end) {
      instants = (start, end)
    } else {
      instants = nil
    }
  }

  private static func date(_ text: String) -> Date? { try? Date(text, strategy: .iso8601) }

  static func == (one: ArchivedSpan, other: ArchivedSpan) -> Bool {
    if let kind = one.kind, let otherKind = other.kind, kind != otherKind { return false }
    // The days of columns without a zone are the same on every clock.
    if let kind = one.kind ?? other.kind, kind != .instant { return true }
    guard let these = one.instants, let those = other.instants else { return one.texts == other.texts }
    return these == those
  }

  /// Where a day's archive and that of the next day do not meet.
  enum Seam: Equatable {
    /// The rows from the first instant to before the second are in neither.
    case gap(String, String)
    /// The rows from the first instant to before the second are in both.
    case overlap(String, String)
  }

  /// The seam between the archive of a day, `self`, and that of the next day; nil where they meet.
  func seam(with next: ArchivedSpan) -> Seam? {
    if let kind = kind ?? next.kind, kind != .instant { return nil }
    guard let end = instants?.end, let start = next.instants?.start, end != start else { return nil }
    return end < start ? .gap(texts.end, next.texts.start) : .overlap(next.texts.start, texts.end)
  }
}

/// The archives of the days before and after a table-day.
struct NeighbourArchives: Sendable {
  let before: ArchiveManifest?
  let after: ArchiveManifest?

  /// Warnings where the archive of `window` does not meet its neighbours.
  func warnings(for tableDay: TableDay, _ window: ArchiveManifest.Window) -> [String] {
    let own = ArchivedSpan(window)
    return [(before, tableDay.day.adding(days: -1)), (after, tableDay.day.adding(days: 1))].compactMap {
      neighbour, day -> String? in
      guard let neighbour else { return nil }
      guard ColumnName(neighbour.window.timeColumn) == ColumnName(window.timeColumn) else {
        return
          "the archive of \(day) was made by the column \(neighbour.window.timeColumn), and this one by "
          + "\(window.timeColumn): rows may be in both or in neither"
      }
      let other = ArchivedSpan(neighbour.window)
      if let kind = other.kind, kind != own.kind {
        return
          "the archive of \(day) was made while \(window.timeColumn) was of type \(kind.rawValue): rows may be in both or "
          + "in neither"
      }
      let seam = day < tableDay.day ? other.seam(with: own) : own.seam(with: other)
      return switch seam {
      case nil: nil
      case .gap(let start, let end):
        "the rows from \(start) to \(end) are neither in this archive nor in that of \(day): was BACKUP_TIMEZONE changed?"
      case .overlap(let start, let end):
        "the rows from \(start) to \(end) are in this archive and in that of \(day): was BACKUP_TIMEZONE changed?"
      }
    }
  }
}
