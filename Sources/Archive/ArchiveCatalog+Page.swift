package import Foundation
import Lake
import Reporting
package import TableDays

extension ArchiveCatalog {
  /// An archive, or a day without one.
  package struct Item: Sendable, Encodable, Equatable {
    package var table: TableName
    package var date: Day
    /// `archived` or `missing`.
    package var status: String
    /// The archive's path under `LAKE_URL`.
    package var path: String?
    /// The length of the gzip file.
    package var gzipBytes: Int?
    /// The manifest's row count; nil without a readable manifest.
    package var rows: Int?
    /// When the whole file was last read back, according to the manifest.
    package var verifiedAt: Date?
    /// The missing day lies before `BACKUP_LOOKBACK_DAYS`, so that no nightly run archives it; nil otherwise.
    package var pastLookback: Bool?

    enum CodingKeys: String, CodingKey {
      case table, date, status, path, rows
      case gzipBytes = "gzip_bytes"
      case verifiedAt = "verified_at"
      case pastLookback = "past_lookback"
    }
  }

  /// A place in the listing, which is ordered by table, then day.
  package struct Position: Sendable, Equatable, CustomStringConvertible {
    package let table: TableName
    package let day: Day

    package init(table: TableName, day: Day) {
      self.table = table
      self.day = day
    }

    /// Reads `schema.table/YYYY-MM-DD`.
    package init?(_ text: String) {
      guard let slash = text.lastIndex(of: "/"), let day = Day(text[slash...].dropFirst()),
        let table = try? TableName(parsing: String(text[..<slash]))
      else { return nil }
      self.init(table: table, day: day)
    }

    /// `schema.table/YYYY-MM-DD`.
    package var description: String { "\(table)/\(day)" }
  }

  /// The days that are listed.
  package struct Bounds: Sendable, Equatable {
    /// Only this table.
    package var table: TableName?
    /// The first day.
    package var from: Day?
    /// The last day, included.
    package var to: Day?

    package init(table: TableName? = nil, from: Day? = nil, to: Day? = nil) {
      self.table = table
      self.from = from
      self.to = to
    }

    func contains(_ archive: TableDay) -> Bool {
      (table == nil || archive.table == table) && from.map { archive.day >= $0 } ?? true
        && to.map { archive.day <= $0 } ?? true
    }
  }

  /// A part of the listing.
  package struct Page: Sendable {
    package let items: [Item]
    /// The position after which the listing goes on; nil at its end.
    package let next: Position?
  }

  /// The archives of `database` by table and day, with the missing days between them, at most `limit` of them. `from` and
  /// `to` bound the days: days without an archive from `from` to `to` are listed as missing, also before a table's first
  /// and after its last archive. Without bounds, each table's first and last archive are its bounds.
  /// - Parameter position: the last item of the page before.
  /// - Throws: `LakeError`.
  package func page(
    database: String, _ bounds: Bounds = Bounds(), after position: Position? = nil, limit: Int = 1000
  ) async throws -> Page {
    var found: [TableName: [Day: LakeEntry]] = [:]
    if let table = bounds.table { found[table] = [:] }
    for (archive, entry) in try await archives(database: database) where bounds.contains(archive) {
      found[archive.table, default: [:]][archive.day] = entry
    }
    var days: [(Item, LakeEntry?)] = []
    for (table, archived) in found.sorted(by: { $0.key < $1.key }) {
      if let position, table < position.table { continue }
      guard var day = bounds.from ?? archived.keys.min(), let last = bounds.to ?? archived.keys.max() else { continue }
      if let position, position.table == table { day = max(day, position.day.adding(days: 1)) }
      while day <= last {
        if days.count == limit { return try await page(days, isLast: false) }
        days.append((Item(table: table, date: day, status: "missing"), archived[day]))
        day = day.adding(days: 1)
      }
    }
    return try await page(days, isLast: true)
  }

  private func page(_ days: [(Item, LakeEntry?)], isLast: Bool) async throws -> Page {
    let items = try await described(days)
    return Page(items: items, next: isLast ? nil : items.last.map { Position(table: $0.table, day: $0.date) })
  }

  /// Manifests that are read at the same time. Each needs two requests to a storage account.
  static let manifestsAtATime = 16

  /// The items with what their manifests say. A manifest that cannot be read leaves the row count empty and does not fail
  /// the listing.
  private func described(_ days: [(Item, LakeEntry?)]) async throws -> [Item] {
    try await withThrowingTaskGroup(of: (Int, Item).self) { group in
      var items = days.map(\.0)
      var rest = days.indices.filter { days[$0].1 != nil }[...]
      func addNext() {
        guard let index = rest.popFirst(), let entry = days[index].1 else { return }
        var item = items[index]
        group.addTask {
          let manifest = try? await ArchiveManifest.find(for: entry, in: lake).manifest
          try Task.checkCancellation()
          item.status = "archived"
          item.path = "\(entry.path)"
          item.gzipBytes = entry.length
          item.rows = manifest?.rows
          item.verifiedAt = manifest?.verifiedAt
          return (index, item)
        }
      }
      for _ in 0..<Self.manifestsAtATime { addNext() }
      while let (index, item) = try await group.next() {
        items[index] = item
        addNext()
      }
      return items
    }
  }
}
