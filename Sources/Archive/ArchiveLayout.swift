import Essentials
import Foundation
package import Lake
package import TableDays

/// The paths of archives, their manifests and temporary files in a lake.
package enum ArchiveLayout {
  static let fileExtension = ".csv.gz"
  /// The folder of manifests and temporary files within a database's folder, and of operations at the root. Data
  /// readers such as Spark skip names that begin with `_`.
  package static let privateFolder = "_sluice"
  /// The folder within it of manifests whose archives are being published.
  static let pendingName = "next"

  /// The character before the hash of a shortened name; an encoded name never contains it.
  fileprivate static let hashMark = "~"
  /// The hexadecimal digits of the hash: 128 bits.
  private static let hashDigits = 32

  /// `<schema>.<table>.<YYYY-MM-DD>`. Names are shortened where the result would exceed the length limit of a path's
  /// component.
  fileprivate static func stem(_ table: TableName, _ day: Day) -> String {
    let parts = [table.schema, table.name].map { (name: $0, spelling: LakeName.encode($0)) }
    let room = LakePath.maximumNameBytes - fileExtension.utf8.count - "..YYYY-MM-DD".utf8.count
    let fits = parts.reduce(0) { $0 + $1.spelling.utf8.count } <= room
    let spellings = parts.map { fits ? $0.spelling : shortened($0.name, $0.spelling, to: room / 2) }
    return "\(spellings[0]).\(spellings[1]).\(day)"
  }

  /// The encoded `name`, at most `limit` bytes long. A longer one is cut and followed by `~` and the first 128 bits of
  /// the name's SHA-256.
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

  /// The manifest's path for the archive at `path`: in the private folder within the archive's own folder.
  package static func manifestPath(beside path: LakePath) throws -> LakePath {
    let folders = path.parent?.components ?? []
    return try LakePath(components: folders + [privateFolder, path.name.dropLast(fileExtension.count) + ".json"])
  }

  /// `<database>/_sluice`: the folder of a database's manifests.
  static func manifestFolder(database: String) throws -> LakePath {
    try LakePath(components: [LakeName.encode(database), privateFolder])
  }

  /// The table-day of the manifest at `path` of `database`; nil where the path is not a manifest's, and for a shortened
  /// name, which only an archive's listing resolves.
  static func tableDay(manifest path: LakePath, of database: String) -> TableDay? {
    guard path.name.hasSuffix(".json"),
      let archive = try? LakePath(
        components: [LakeName.encode(database), path.name.dropLast(".json".count) + fileExtension])
    else { return nil }
    return TableDay(archivePath: archive)
  }

  /// `_sluice/next` within the folder of the archive at `path`: manifests whose archives are being published.
  static func pendingFolder(beside path: LakePath) throws -> LakePath {
    try LakePath(components: (path.parent?.components ?? []) + [privateFolder, pendingName])
  }

  /// `<database>/_sluice/next`.
  static func pendingFolder(database: String) throws -> LakePath {
    try LakePath(components: [LakeName.encode(database), privateFolder, pendingName])
  }

  /// `<database>`: the folder of a database's archives.
  package static func folder(database: String) throws -> LakePath {
    try LakePath(components: [LakeName.encode(database)])
  }

  /// `<database>/_sluice/tmp`, or `_sluice/tmp` at the root without a database.
  package static func temporaryFolder(database: String? = nil) throws -> LakePath {
    try LakePath(components: (database.map { [LakeName.encode($0)] } ?? []) + [privateFolder, "tmp"])
  }

  /// A new path for a temporary file of `database`, or of the lake itself.
  package static func newTemporaryPath(database: String? = nil) throws -> LakePath {
    try temporaryFolder(database: database).appending(UUID().uuidString.asciiLowercased())
  }

  /// The table-day of the archive at `path`. Where its names are shortened, they are read from its manifest.
  /// - Returns: nil when `path` is not an archive's, and for a shortened name without a manifest.
  /// - Throws: ``JobError`` `manifest_unreadable`, `LakeError`.
  package static func tableDay(at path: LakePath, in lake: any LakeStore) async throws -> TableDay? {
    if let tableDay = TableDay(archivePath: path) { return tableDay }
    guard mayBeArchive(path) else { return nil }
    var manifest = try await ArchiveManifest.read(at: manifestPath(beside: path), in: lake)
    if manifest == nil { manifest = try await PendingManifest.all(beside: path, in: lake).first?.manifest }
    guard let manifest else { return nil }
    let tableDay = TableDay(database: manifest.database, table: manifest.table, day: manifest.date)
    return try tableDay.archivePath.name == path.name ? tableDay : nil
  }

  /// `_sluice/operations` at the root.
  package static var operationsFolder: LakePath {
    get throws { try LakePath(components: [privateFolder, "operations"]) }
  }

  /// `_sluice/keys` at the root: what calls with an `Idempotency-Key` have begun.
  package static var keysFolder: LakePath {
    get throws { try LakePath(components: [privateFolder, "keys"]) }
  }

  /// `_sluice/audit` at the root.
  static var auditFolder: LakePath {
    get throws { try LakePath(components: [privateFolder, "audit"]) }
  }

  /// Whether an archive may lie at `path`, as far as the path tells: a shortened name is known by its manifest alone.
  package static func mayBeArchive(_ path: LakePath) -> Bool {
    TableDay(archivePath: path) != nil || path.name.contains(hashMark) && path.name.hasSuffix(fileExtension)
  }

  /// Names that other tools wrote may hold characters that Sluice would have escaped: they are taken as they are.
  fileprivate static func decode(_ name: String) -> String? {
    name.contains("%") ? try? LakeName.decode(name) : name
  }
}

extension TableDay {
  /// `<database>/<schema>.<table>.<YYYY-MM-DD>.csv.gz`, with names shortened where the file name would be too long.
  package var archivePath: LakePath {
    get throws {
      try LakePath(components: [
        LakeName.encode(database), ArchiveLayout.stem(table, day) + ArchiveLayout.fileExtension,
      ])
    }
  }

  /// `<database>/_sluice/<schema>.<table>.<YYYY-MM-DD>.json`.
  package var manifestPath: LakePath {
    get throws { try ArchiveLayout.manifestPath(beside: archivePath) }
  }

  /// `<database>/<schema>/<table>.<YYYY-MM-DD>.csv.gz`, which older function apps wrote; nil where the names cannot be
  /// in a path.
  package var olderArchivePath: LakePath? {
    try? LakePath(components: [database, table.schema, "\(table.name).\(day)\(ArchiveLayout.fileExtension)"])
  }

  /// Reads `…/<schema>/<table>.<YYYY-MM-DD>.csv.gz` in a folder of `database`, whose names older function apps wrote as
  /// they are: the table's may hold dots. Nil for any other path.
  init?(olderArchivePath path: LakePath, of database: String) {
    guard path.name.hasSuffix(ArchiveLayout.fileExtension), let schema = path.parent?.name else { return nil }
    let name = path.name.dropLast(ArchiveLayout.fileExtension.count)
    guard let dot = name.lastIndex(of: "."), let day = Day(name[dot...].dropFirst()), dot > name.startIndex else {
      return nil
    }
    self.init(database: database, table: TableName(schema: schema, name: String(name[..<dot])), day: day)
  }

  /// The table-day's archive in `lake`: at its path, or, where there is none, at its path in the layout of older function
  /// apps; nil when there is neither.
  /// - Throws: `LakeError`.
  package func archive(in lake: any LakeStore) async throws -> LakeEntry? {
    if let entry = try await lake.properties(of: archivePath) { return entry }
    guard let olderArchivePath else { return nil }
    return try await lake.properties(of: olderArchivePath)
  }

  /// A new temporary path: `<database>/_sluice/tmp/<uuid>`.
  package var newTemporaryPath: LakePath {
    get throws { try ArchiveLayout.newTemporaryPath(database: database) }
  }

  /// A new path for the manifest while its archive is published: `<database>/_sluice/next/<YYYY-MM-DD>.<uuid>.json`.
  var newPendingManifestPath: LakePath {
    get throws {
      try ArchiveLayout.pendingFolder(database: database).appending(
        "\(day).\(UUID().uuidString.asciiLowercased()).json")
    }
  }

  /// Reads a path in one of the two layouts: `…/<database>/<schema>.<table>.<YYYY-MM-DD>.csv.gz`, which Sluice writes,
  /// and `…/<database>/<schema>/<table>.<YYYY-MM-DD>.csv.gz` of older function apps. The database's folder may be at
  /// any depth. Nil for any other path.
  package init?(archivePath path: LakePath) {
    guard path.name.hasSuffix(ArchiveLayout.fileExtension) else { return nil }
    let parts = path.name.dropLast(ArchiveLayout.fileExtension.count).split(
      separator: ".", omittingEmptySubsequences: false)
    guard let last = parts.last, let day = Day(last) else { return nil }
    var folders = path.components.dropLast()
    let schema: String?
    let table: String?
    switch parts.count {
    case 3:
      schema = ArchiveLayout.decode(String(parts[0]))
      table = ArchiveLayout.decode(String(parts[1]))
    case 2:
      schema = folders.popLast().flatMap(ArchiveLayout.decode)
      table = ArchiveLayout.decode(String(parts[0]))
    default: return nil
    }
    guard let schema, let table, let database = folders.last.flatMap(ArchiveLayout.decode), !schema.isEmpty,
      !table.isEmpty, database != ArchiveLayout.privateFolder
    else { return nil }
    self.init(database: database, table: TableName(schema: schema, name: table), day: day)
  }
}
