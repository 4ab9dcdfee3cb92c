import Archive
import Database
import Foundation
import TableDays

/// Says of a chunk what the archives hold of it, and whether it can be dropped without loss. A day counts as archived where its
/// manifest describes exactly that day of the column.
struct ChunkJudge: Sendable {
  let column: TimeColumn
  let zone: TimeZone
  let today: Day
  /// The archived days with their manifests; nil for an archive without one that can be read.
  let manifests: [Day: ArchiveManifest?]
  /// The table's rows of each day; nil where they were not counted.
  let rows: [Day: Int]?
  let mayDrop: Bool

  func chunk(_ part: TablePart) -> ChunksReport.Chunk {
    var chunk = ChunksReport.Chunk(
      name: part.table, start: part.start, end: part.end, state: part.state, bytes: part.bytes,
      bytesBeforeCompression: part.bytesBeforeCompression, bytesAfterCompression: part.bytesAfterCompression)
    if let unit = column.unit, let values = part.values {
      chunk.startAt = DayWindow.text(unit.instant(of: values.lowerBound), in: .gmt)
      chunk.endAt = DayWindow.text(unit.instant(of: values.upperBound), in: .gmt)
    }
    if ["frozen", "default", "detach pending"].contains(part.state) { chunk.reasons.append("it is \(part.state)") }
    if let days = part.days(by: column, in: zone) {
      judge(days, &chunk)
    } else if part.state != "default" {
      chunk.reasons.append("its range is open")
    }
    if !mayDrop { chunk.reasons.append("the role does not own the table") }
    return chunk
  }

  private func judge(_ days: ClosedRange<Day>, _ chunk: inout ChunksReport.Chunk) {
    let all = days.lowerBound.through(days.upperBound)
    chunk.days = all.count
    let archived = all.filter { manifest(of: $0) != nil }
    chunk.daysArchived = archived.count
    chunk.archiveRows = archived.reduce(0) { $0 + (manifest(of: $1)?.rows ?? 0) }
    if let rows { chunk.liveRows = all.reduce(0) { $0 + (rows[$1] ?? 0) } }
    if days.upperBound >= today { chunk.reasons.append("\(max(days.lowerBound, today)) is not over") }
    // A day without rows needs no archive.
    let lacking = all.filter { $0 < today && manifest(of: $0) == nil && rows?[$0] != 0 }
    if let first = lacking.first {
      let undescribed = manifests.keys.contains(first) ? " by a manifest that describes the day" : ""
      chunk.reasons.append("\(first) is not archived\(undescribed)\(Self.others(lacking))")
    }
    guard let rows else {
      chunk.reasons.append("the rows were not counted")
      return
    }
    let fewer = archived.filter { manifest(of: $0)?.rows ?? 0 < rows[$0] ?? 0 }
    if let first = fewer.first {
      chunk.reasons.append(
        "the archive of \(first) has \(manifest(of: first)?.rows ?? 0) rows, the table \(rows[first] ?? 0)\(Self.others(fewer))"
      )
    }
  }

  private static func others(_ days: [Day]) -> String {
    days.count > 1 ? ", and \(days.count - 1) more \(days.count == 2 ? "day" : "days")" : ""
  }

  /// The manifest of a day, where it describes the rows of the day by this column.
  private func manifest(of day: Day) -> ArchiveManifest? {
    guard let manifest = manifests[day] ?? nil, ColumnName(manifest.window.timeColumn) == column.name,
      let span = manifest.span(of: column.kind),
      let wanted = DaySpan(DayWindow(day, in: zone), kind: column.kind, unit: column.unit)
    else { return nil }
    return span == wanted ? manifest : nil
  }
}
