import Essentials
package import Foundation
package import Lake
import Reporting
package import TableDays

/// The last drill of each archive of a database that was ever drilled: `<database>/_sluice/drills.json`. Drills choose by it,
/// and `sluice status` and `sluice doctor` tell of it, however long ago the operation's document was removed.
package struct DrillHistory: Sendable, Equatable {
  /// The last drill of one archive.
  package struct Entry: Sendable, Codable, Equatable {
    package let table: TableName
    package let date: Day
    /// The archive's ETag: another one is another archive, of which the drill says nothing.
    package let etag: String
    package let at: Date
    /// The rows came back as they were archived.
    package let passed: Bool
    /// What was found: `restored`, `damaged`, `differs` or `not_restored`.
    package let verdict: String
    /// The rows that were restored.
    package let rows: Int?
    /// How long the load into the scratch table took, in seconds.
    package let seconds: Double?
    /// The operation that tells more, as long as its document is kept.
    package let operation: String?

    package init(
      table: TableName, date: Day, etag: String, at: Date, passed: Bool, verdict: String, rows: Int?, seconds: Double?,
      operation: String?
    ) {
      self.table = table
      self.date = date
      self.etag = etag
      self.at = at
      self.passed = passed
      self.verdict = verdict
      self.rows = rows
      self.seconds = seconds
      self.operation = operation
    }
  }

  /// The newest first.
  package private(set) var entries: [Entry]

  package init(entries: [Entry] = []) {
    self.entries = entries.sorted { $0.at > $1.at }
  }

  /// The last drill of all.
  package var last: Entry? { entries.first }

  /// The archives of `inventory` whose last drill failed. One that was replaced since is another archive.
  package func failed(in inventory: LakeInventory) -> [Entry] {
    entries.filter { entry in
      !entry.passed && inventory.archives[entry.table]?[entry.date]?.etag == ManifestFacts.hash(etag: entry.etag)
    }
  }

  /// When the archive was drilled last; nil for never.
  package func lastDrill(of table: TableName, _ day: Day) -> Entry? {
    entries.first { $0.table == table && $0.date == day }
  }

  /// The history with `entry` in place of the archive's earlier one.
  /// - Parameter isThere: whether an archive is still there; the entries of others are forgotten.
  package func adding(_ entry: Entry, isThere: (TableName, Day) -> Bool) -> DrillHistory {
    let others = entries.filter { ($0.table, $0.date) != (entry.table, entry.date) && isThere($0.table, $0.date) }
    return DrillHistory(entries: [entry] + others)
  }
}

extension DrillHistory {
  /// The file.
  private struct Document: Codable {
    var formatVersion = 1
    var drills: [Entry]

    enum CodingKeys: String, CodingKey {
      case formatVersion = "format_version"
      case drills
    }
  }

  /// A drill a night for a century has some 8 MB.
  private static let maximumBytes = 16 << 20

  package static func path(database: String) throws -> LakePath {
    try ArchiveLayout.manifestFolder(database: database).appending("drills.json")
  }

  /// The history of `database`, empty before the first drill.
  /// - Throws: `LakeError`; ``JobError`` `lake_error` for a file that this program did not write.
  package static func read(of database: String, in lake: any LakeStore) async throws -> DrillHistory {
    let path = try path(database: database)
    do {
      return try parse(await lake.readAll(path, limit: maximumBytes), of: path)
    } catch LakeError.notFound {
      return DrillHistory()
    }
  }

  private static func parse(_ bytes: [UInt8], of path: LakePath) throws -> DrillHistory {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    guard (try? JSONValue(parsing: bytes)) != nil,
      let document = try? decoder.decode(Document.self, from: Data(bytes)), document.formatVersion == 1
    else {
      throw JobError(.lakeError, "the history of drills \(path) cannot be read; remove it to begin a new one")
    }
    return DrillHistory(entries: document.drills)
  }

  /// Adds `entry` to the file, also where another process adds one at the same time.
  /// - Throws: as ``read(of:in:)``.
  package static func add(
    _ entry: Entry, of database: String, in lake: any LakeStore, isThere: (TableName, Day) -> Bool
  ) async throws {
    let path = try path(database: database)
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try await lake.rewrite(
      path, limit: maximumBytes, temporary: { try ArchiveLayout.newTemporaryPath(database: database) }
    ) { old in
      let history = try old.map { try parse($0, of: path) } ?? DrillHistory()
      return Array(try encoder.encode(Document(drills: history.adding(entry, isThere: isThere).entries)))
    }
  }
}
