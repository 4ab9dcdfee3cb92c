package import Foundation
package import Lake
import Reporting
package import TableDays

/// Lists the archives of a lake.
package struct ArchiveCatalog: Sendable {
  private let lake: any LakeStore

  package init(_ lake: any LakeStore) {
    self.lake = lake
  }

  /// The archived days of each table of `database`.
  package func days(database: String) async throws -> [TableName: Set<Day>] {
    var days: [TableName: Set<Day>] = [:]
    for archive in try await archives(database: database).keys {
      days[archive.table, default: []].insert(archive.day)
    }
    return days
  }

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

    enum CodingKeys: String, CodingKey {
      case table, date, status, path, rows
      case gzipBytes = "gzip_bytes"
      case verifiedAt = "verified_at"
    }
  }

  /// The archives of `database` by table and day, with the missing days between them. `from` and `to` bound the days:
  /// days without an archive from `from` to `to` are listed as missing, also before a table's first and after its last
  /// archive. Without bounds, each table's first and last archive are its bounds.
  /// - Throws: ``JobError`` `too_many_units`; `LakeError`.
  package func items(database: String, table: TableName?, from: Day?, to: Day?) async throws -> [Item] {
    var wanted: [(TableDay, LakeEntry)] = []
    for (archive, entry) in try await archives(database: database) {
      guard table == nil || archive.table == table, from.map({ archive.day >= $0 }) ?? true,
        to.map({ archive.day <= $0 }) ?? true
      else { continue }
      wanted.append((archive, entry))
    }
    var found: [TableName: [Day: Item]] = [:]
    for (archive, item) in try await described(wanted) { found[archive.table, default: [:]][archive.day] = item }
    if let table, found[table] == nil { found[table] = [:] }
    return try found.sorted { $0.key < $1.key }.flatMap { table, days in
      guard let first = from ?? days.keys.min(), let last = to ?? days.keys.max(), first <= last else {
        return [Item]()
      }
      guard first.count(through: last) <= TableDay.maximumAtOnce else {
        throw JobError(
          .tooManyUnits,
          "the listing has more than \(TableDay.maximumAtOnce) days of \(table); give a shorter span", field: "from")
      }
      return first.through(last).map { day in
        days[day] ?? Item(table: table, date: day, status: "missing")
      }
    }
  }

  /// Manifests that are read at the same time. Each needs two requests to a storage account.
  private static let manifestsAtATime = 16

  /// The archives with the row counts of their manifests. A manifest that cannot be read leaves the row count empty and
  /// does not fail the listing.
  private func described(_ archives: [(TableDay, LakeEntry)]) async throws -> [(TableDay, Item)] {
    try await withThrowingTaskGroup(of: (TableDay, Item).self) { group in
      var rest = archives[...]
      var items: [(TableDay, Item)] = []
      func addNext() {
        guard let (archive, entry) = rest.popFirst() else { return }
        group.addTask { [lake] in
          let manifest = try? await ArchiveManifest.find(for: entry, in: lake).manifest
          try Task.checkCancellation()
          let item = Item(
            table: archive.table, date: archive.day, status: "archived", path: "\(entry.path)",
            gzipBytes: entry.length, rows: manifest?.rows, verifiedAt: manifest?.verifiedAt)
          return (archive, item)
        }
      }
      for _ in 0..<Self.manifestsAtATime { addNext() }
      while let item = try await group.next() {
        items.append(item)
        addNext()
      }
      return items
    }
  }

  /// The archives of `database` in both layouts. A table-day that has one in each counts by the one in today's.
  private func archives(database: String) async throws -> [TableDay: LakeEntry] {
    let folder = try ArchiveLayout.folder(database: database)
    var schemas: [LakePath] = []
    var found: [TableDay: LakeEntry] = [:]
    for try await entry in lake.list(under: folder, recursive: false) {
      if entry.isDirectory {
        if entry.path.name != ArchiveLayout.privateFolder { schemas.append(entry.path) }
      } else if let archive = try await tableDay(at: entry.path, of: database) {
        found[archive] = entry
      }
    }
    for schema in schemas {
      for try await entry in lake.list(under: schema, recursive: false) where !entry.isDirectory {
        guard let archive = try await tableDay(at: entry.path, of: database), found[archive] == nil else { continue }
        found[archive] = entry
      }
    }
    return found
  }

  private func tableDay(at path: LakePath, of database: String) async throws -> TableDay? {
    do {
      guard let archive = try await ArchiveLayout.tableDay(at: path, in: lake) else { return nil }
      return archive.database.utf8.elementsEqual(database.utf8) ? archive : nil
    } catch let error as JobError where error.code == .manifestUnreadable {
      Log.write(
        .warning, "the listing skips an archive: its name is shortened and its manifest cannot be read", ["path": path])
      return nil
    }
  }
}
