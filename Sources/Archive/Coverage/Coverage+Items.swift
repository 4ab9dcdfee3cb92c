package import Foundation
package import TableDays

extension Coverage {
  /// One day of a table in a listing.
  package struct Item: Sendable, Encodable, Equatable {
    package var table: TableName
    package var date: Day
    package var status: Status
    /// The archive's path under `LAKE_URL`.
    package var path: String?
    /// The length of the gzip file.
    package var gzipBytes: Int?
    /// The manifest's row count; nil without a readable manifest.
    package var rows: Int?
    /// When the whole file was last read back, according to the manifest.
    package var verifiedAt: Date?
    /// The day has no archive and lies before `BACKUP_LOOKBACK_DAYS`, so that no nightly run makes one; nil otherwise.
    package var pastLookback: Bool?
    /// What is wrong with the day's files, in words.
    package var detail: String?

    enum CodingKeys: String, CodingKey {
      case table, date, status, path, rows, detail
      case gzipBytes = "gzip_bytes"
      case verifiedAt = "verified_at"
      case pastLookback = "past_lookback"
    }
  }

  /// A part of the listing.
  package struct Page: Sendable {
    package let items: [Item]
    /// The position after which the listing goes on; nil at its end.
    package let next: ArchiveCatalog.Position?
  }

  /// The days of all tables by table and day, at most `limit` of them.
  /// - Parameters:
  ///   - statuses: only days of these; all where it is empty.
  ///   - position: the last item of the page before.
  package func page(
    _ bounds: ArchiveCatalog.Bounds = ArchiveCatalog.Bounds(), _ statuses: Set<Status> = [],
    after position: ArchiveCatalog.Position? = nil, limit: Int
  ) -> Page {
    var items: [Item] = []
    for table in tables {
      if let position, table < position.table { continue }
      guard let days = days(of: table, in: bounds) else { continue }
      var day = days.lowerBound
      if let position, position.table == table { day = max(day, position.day.adding(days: 1)) }
      while day <= days.upperBound {
        let status = status(of: table, day)
        if statuses.isEmpty || statuses.contains(status) {
          if items.count == limit {
            return Page(items: items, next: items.last.map { .init(table: $0.table, day: $0.date) })
          }
          items.append(item(table, day, status))
        }
        day = day.adding(days: 1)
      }
    }
    return Page(items: items, next: nil)
  }

  private func item(_ table: TableName, _ day: Day, _ status: Status) -> Item {
    var item = Item(table: table, date: day, status: status)
    guard let archive = inventory.archives[table]?[day] else {
      if status.isGap, let start = lookbackStart(of: table), day < start { item.pastLookback = true }
      if inventory.manifestsAlone[table]?.contains(day) == true {
        item.detail = "the day has a manifest, but its file is gone"
      }
      return item
    }
    let path = try? archive.olderPath ?? TableDay(database: inventory.database, table: table, day: day).archivePath
    item.path = path.map { "\($0)" }
    item.gzipBytes = archive.gzipBytes
    item.rows = archive.rows
    item.verifiedAt = archive.verifiedAt
    if let expected = archive.expectedBytes {
      item.detail = "the file has \(archive.gzipBytes) bytes, its manifest says \(expected)"
    } else if known.damaged[table]?.contains(day) == true {
      item.detail = "its last drill found the file to be damaged"
    } else if archive.isDamaged {
      item.detail = "the file has \(archive.gzipBytes) bytes, which is less than a gzip file has"
    }
    return item
  }
}
