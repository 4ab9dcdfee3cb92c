import Essentials
import Foundation
import Lake

/// Names one archive and everything beside it in the lake: database, table and day.
public struct ArchiveName: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// What every archive's file name ends with.
  static let fileExtension = ".csv.gz"
  /// The folder of manifests and temporary files within a database's folder. Data readers such as Spark skip names that
  /// begin with `_`.
  static let privateFolder = "_sluice"

  /// Database, as the server spells it.
  public let database: String
  /// Table.
  public let table: TableName
  /// Day.
  public let day: Day

  /// Made from its parts.
  public init(database: String, table: TableName, day: Day) {
    self.database = database
    self.table = table
    self.day = day
  }

  private var stem: String {
    let parts = [table.schema, table.name].map { (name: $0, spelling: LakeName.encode($0)) }
    let room = LakePath.maximumNameBytes - Self.fileExtension.utf8.count - "..YYYY-MM-DD".utf8.count
    let fits = parts.reduce(0) { $0 + $1.spelling.utf8.count } <= room
    let spellings = parts.map { fits ? $0.spelling : Self.shortened($0.name, $0.spelling, to: room / 2) }
    return "\(spellings[0]).\(spellings[1]).\(day)"
  }

  /// What stands before the hash of a name that is too long to be spelled out; no spelling has it.
  private static let hashMark = "~"
  /// Hexadecimal digits of the hash: 128 bits.
  private static let hashDigits = 32

  /// The spelling of a name whose own would, with its neighbour's, pass the bytes that a part of a path may have: as much of
  /// it as there is room for, `~`, and the first 128 bits of the SHA-256 of the name.
  private static func shortened(_ name: String, _ spelling: String, to limit: Int) -> String {
    guard spelling.utf8.count > limit else { return spelling }
    var hasher = SHA256Hasher()
    hasher.update(Array(name.utf8))
    var prefix = ""
    for character in name.unicodeScalars {
      let next = LakeName.encode(String(character))
      guard (prefix + next).utf8.count <= limit - hashMark.utf8.count - hashDigits else { break }
      prefix += next
    }
    return prefix + hashMark + hasher.finish().hex.prefix(hashDigits)
  }

  /// `<database>/<schema>.<table>.<YYYY-MM-DD>.csv.gz`; names that would pass the bytes of a part of a path are shortened.
  public var path: LakePath {
    get throws { try LakePath(components: [LakeName.encode(database), stem + Self.fileExtension]) }
  }

  /// `<database>/_sluice/<schema>.<table>.<YYYY-MM-DD>.json`.
  public var manifestPath: LakePath {
    get throws { try LakePath(components: [LakeName.encode(database), Self.privateFolder, stem + ".json"]) }
  }

  /// The manifest's path for a file at `path`: in the private folder beside it, wherever the file lies.
  static func manifestPath(beside path: LakePath) throws -> LakePath {
    let folders = path.parent?.components ?? []
    return try LakePath(components: folders + [privateFolder, path.name.dropLast(fileExtension.count) + ".json"])
  }

  /// A new temporary path: `<database>/_sluice/tmp/<uuid>`.
  public var temporaryPath: LakePath {
    get throws { try Self.temporaryFolder(database: database).appending(UUID().uuidString.asciiLowercased()) }
  }

  /// `<database>/_sluice/tmp`.
  static func temporaryFolder(database: String) throws -> LakePath {
    try LakePath(components: [LakeName.encode(database), privateFolder, "tmp"])
  }

  /// The same bytes in every name.
  public static func == (one: ArchiveName, other: ArchiveName) -> Bool {
    one.database.utf8.elementsEqual(other.database.utf8) && one.table == other.table && one.day == other.day
  }

  /// By the bytes of its names, and the day.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(utf8: database)
    hasher.combine(table)
    hasher.combine(day)
  }

  /// Database, then table, then day.
  public static func < (one: ArchiveName, other: ArchiveName) -> Bool {
    (one.database, one.table, one.day) < (other.database, other.table, other.day)
  }

  /// `database/schema.table 2024-01-01`.
  public var description: String { "\(database)/\(table) \(day)" }

  /// Reads a path in one of the two layouts: `…/<database>/<schema>.<table>.<YYYY-MM-DD>.csv.gz`, which Sluice writes, and
  /// `…/<database>/<schema>/<table>.<YYYY-MM-DD>.csv.gz` of older function apps. Folders above the database are free.
  /// Nil for any other path.
  public init?(path: LakePath) {
    guard path.name.hasSuffix(Self.fileExtension) else { return nil }
    let parts = path.name.dropLast(Self.fileExtension.count).split(separator: ".", omittingEmptySubsequences: false)
    guard let last = parts.last, let day = Day(last) else { return nil }
    var folders = path.components.dropLast()
    let schema: String?
    let table: String?
    switch parts.count {
    case 3:
      schema = Self.decode(String(parts[0]))
      table = Self.decode(String(parts[1]))
    case 2:
      schema = folders.popLast().flatMap(Self.decode)
      table = Self.decode(String(parts[0]))
    default: return nil
    }
    guard let schema, let table, let database = folders.last.flatMap(Self.decode), !schema.isEmpty, !table.isEmpty,
      database != Self.privateFolder
    else { return nil }
    self.init(database: database, table: TableName(schema: schema, name: table), day: day)
  }

  /// The archive at `path`. Where its names are shortened, the manifest beside it tells them; without one nothing does.
  /// - Throws: ``JobError`` `manifest_unreadable`, `LakeError`.
  static func read(_ path: LakePath, in lake: any LakeStore) async throws -> ArchiveName? {
    if let name = ArchiveName(path: path) { return name }
    guard path.name.contains(hashMark), path.name.hasSuffix(fileExtension),
      let manifest = try await ArchiveManifest.read(at: manifestPath(beside: path), in: lake),
      let table = try? TableName(parsing: manifest.table)
    else { return nil }
    let name = ArchiveName(database: manifest.database, table: table, day: manifest.date)
    return try name.path.name == path.name ? name : nil
  }

  /// Names that other tools wrote may hold characters that Sluice would have escaped: they are taken as they are.
  private static func decode(_ name: String) -> String? {
    name.contains("%") ? try? LakeName.decode(name) : name
  }
}
