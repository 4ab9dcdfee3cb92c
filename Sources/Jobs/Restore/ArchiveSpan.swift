package import Archive
package import Foundation
package import TableDays

/// The span of an archive that is restored: the one that its manifest records, or, without a manifest, the day in its
/// name in `BACKUP_TIMEZONE`.
package struct ArchiveSpan: Sendable, Equatable {
  package let day: Day
  /// The first instant and the first one after the span, as reports show them.
  package private(set) var window: RestoreResult.Window
  /// The part of the span that is restored; nil is the whole.
  package private(set) var part: DaySpan?
  private let manifest: ArchiveManifest?
  /// The zone of the day: the manifest's, or else `BACKUP_TIMEZONE`.
  package let zone: String

  package init(of archive: TableDay, _ manifest: ArchiveManifest?, timeZone: TimeZone) {
    day = archive.day
    self.manifest = manifest
    zone = manifest?.window.timeZone ?? timeZone.ianaName
    window =
      manifest.map { .init(start: $0.window.start, end: $0.window.end) }
      ?? .init(DayWindow(archive.day, in: timeZone))
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

  /// The values of a time column of `kind`; nil when the archive was made by a column of another kind.
  package func values(of kind: DaySpan.Kind) -> DaySpan? {
    if let part { return part.kind == kind ? part : nil }
    if let manifest { return manifest.span(of: kind) }
    return DaySpan(kind: kind, day: day, instants: (window.start, window.end))
  }
}
