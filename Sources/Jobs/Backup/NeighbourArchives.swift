import Archive
import Foundation
import Lake
import TableDays

/// The archives of the days before and after a table-day.
struct NeighbourArchives: Sendable {
  let before: ArchiveManifest?
  let after: ArchiveManifest?

  /// Reads the manifests of the archives beside that of `tableDay`. One that cannot be read is left out.
  /// - Throws: `CancellationError`.
  static func read(_ tableDay: TableDay, in lake: any LakeStore) async throws -> NeighbourArchives {
    func manifest(_ days: Int) async throws -> ArchiveManifest? {
      let day = TableDay(
        database: tableDay.database, table: tableDay.table, day: tableDay.day.adding(days: days))
      do {
        guard let archive = try await lake.properties(of: day.archivePath) else { return nil }
        return try await ArchiveManifest.find(for: archive, in: lake).manifest
      } catch  where !Task.isCancelled {
        return nil
      }
    }
    async let before = manifest(-1)
    async let after = manifest(1)
    return NeighbourArchives(before: try await before, after: try await after)
  }

  /// Warnings where the archive of `tableDay` with the span `own` does not meet its neighbours.
  func warnings(for tableDay: TableDay, _ own: ArchiveManifest.Extent) -> [String] {
    [(before, tableDay.day.adding(days: -1)), (after, tableDay.day.adding(days: 1))].compactMap { neighbour, day in
      neighbour.flatMap { Self.warning(own, tableDay.day, $0.extent, day) }
    }
  }

  private static func warning(
    _ own: ArchiveManifest.Extent, _ ownDay: Day, _ other: ArchiveManifest.Extent, _ day: Day
  ) -> String? {
    guard own.timeColumn == other.timeColumn else {
      return
        "the archive of \(day) was made by the column \(other.timeColumn), and this one by \(own.timeColumn): rows may be in "
        + "both or in neither"
    }
    if let kind = other.kind, let ownKind = own.kind, kind != ownKind {
      return
        "the archive of \(day) was made while \(own.timeColumn) was of type \(kind.rawValue): rows may be in both or in neither"
    }
    if let unit = other.unit, let ownUnit = own.unit, unit != ownUnit {
      return
        "the archive of \(day) was made while \(own.timeColumn) was said to count \(unit.rawValue), and this one counts "
        + "\(ownUnit.rawValue): rows may be in both or in neither"
    }
    func text(_ date: Date) -> String { DayWindow.text(date, in: .gmt) }
    return switch day < ownDay ? other.seam(with: own) : own.seam(with: other) {
    case nil: nil
    case .gap(let start, let end):
      "the rows from \(text(start)) to \(text(end)) are neither in this archive nor in that of \(day): BACKUP_TIMEZONE was "
        + "another then"
    case .overlap(let start, let end):
      "the rows from \(text(start)) to \(text(end)) are in this archive and in that of \(day): BACKUP_TIMEZONE was another then"
    }
  }
}
