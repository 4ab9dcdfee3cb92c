package import Archive
package import Database
package import Foundation
package import TableDays

/// The span of an archive that is restored: the one that its manifest records, or, without a manifest, the day in its
/// name in `BACKUP_TIMEZONE`. A file without a day in its name has none.
package struct ArchiveSpan: Sendable, Equatable {
  package let day: Day?
  /// The first instant and the first one after the span, as reports show them.
  package private(set) var window: RestoreResult.Window?
  /// The part of the span that is restored; nil is the whole.
  package private(set) var part: DaySpan?
  private let manifest: ArchiveManifest?
  /// The day in `BACKUP_TIMEZONE`, which counts without a manifest.
  private let unrecorded: DayWindow?
  /// The zone of the day: the manifest's, or else `BACKUP_TIMEZONE`.
  package let zone: String

  package init(of day: Day?, _ manifest: ArchiveManifest?, timeZone: TimeZone) {
    self.day = day
    self.manifest = manifest
    unrecorded = day.map { DayWindow($0, in: timeZone) }
    zone = manifest?.window.timeZone ?? timeZone.ianaName
    window =
      manifest.map { .init(start: $0.window.start, end: $0.window.end) }
      ?? unrecorded.map { .init($0) }
  }

  /// The part of it with the values `part`.
  func narrowed(to part: DaySpan, window: RestoreResult.Window) -> ArchiveSpan {
    var copy = self
    copy.part = part
    copy.window = window
    return copy
  }

  /// Whether a manifest records the span.
  package var isRecorded: Bool { manifest != nil }

  /// The archived values of `column`; nil without a day, when the archive was made by a column of another kind, and where an integer
  /// column's unit is neither recorded nor known.
  package func values(of column: TimeColumn) -> DaySpan? {
    if let part { return part.kind == column.kind ? part : nil }
    if let manifest { return manifest.span(of: column.kind) }
    return unrecorded.flatMap { DaySpan($0, kind: column.kind, unit: column.unit) }
  }
}
