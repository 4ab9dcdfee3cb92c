import Essentials
package import Lake
import Reporting
package import TableDays

/// The days of a database of which a backup has found no rows, and made no archive:
/// `<database>/_sluice/days_without_rows.json`. A listing tells them from days that were never archived by it, however long ago
/// the operation's document was removed.
package struct DaysWithoutRows: Sendable, Equatable {
  package private(set) var days: [TableName: Set<Day>]

  package init(_ days: [TableName: Set<Day>] = [:]) {
    self.days = days.filter { !$0.value.isEmpty }
  }

  /// What a backup has learned.
  package struct Findings: Sendable, Equatable {
    /// Days that have no rows and no archive.
    package var without: [TableName: Set<Day>] = [:]
    /// Days that were archived.
    package var archived: [TableName: Set<Day>] = [:]

    package init() {}
  }

  /// What is known after a backup.
  package func with(_ findings: Findings) -> DaysWithoutRows {
    let left = days.merging(findings.without) { $0.union($1) }
    return DaysWithoutRows(
      left.reduce(into: [:]) { $0[$1.key] = $1.value.subtracting(findings.archived[$1.key] ?? []) })
  }
}

extension DaysWithoutRows {
  /// A hundred tables of thirty years without a row have some 14 MB.
  private static let maximumBytes = 32 << 20

  package static func path(database: String) throws -> LakePath {
    try ArchiveLayout.manifestFolder(database: database).appending("days_without_rows.json")
  }

  /// What is noted of `database`; nothing where there is no file.
  /// - Throws: `LakeError`; ``JobError`` `lake_error` for a file that this program did not write.
  package static func read(of database: String, in lake: any LakeStore) async throws -> DaysWithoutRows {
    let path = try path(database: database)
    do {
      return try DaysWithoutRows(parsing: await lake.readAll(path, limit: maximumBytes), of: path)
    } catch LakeError.notFound {
      return DaysWithoutRows()
    }
  }

  /// Notes what a backup has found, also where another process does so at the same time.
  /// - Throws: as ``read(of:in:)``.
  package static func note(_ findings: Findings, of database: String, in lake: any LakeStore) async throws {
    let path = try path(database: database)
    try await lake.rewrite(
      path, limit: maximumBytes, temporary: { try ArchiveLayout.newTemporaryPath(database: database) }
    ) { bytes in
      let old = try bytes.map { try DaysWithoutRows(parsing: $0, of: path) } ?? DaysWithoutRows()
      let new = old.with(findings)
      return new == old ? nil : Array(new.json.compact.utf8)
    }
  }

  private var json: JSONValue {
    let tables = days.map { table, days in ("\(table)", JSONValue.array(days.sorted().map { .string("\($0)") })) }
    return ["format_version": 1, "tables": .object(Dictionary(uniqueKeysWithValues: tables))]
  }

  private init(parsing bytes: [UInt8], of path: LakePath) throws {
    guard let document = try? JSONValue(parsing: bytes).object, document["format_version"] == 1,
      let tables = document["tables"]?.object
    else {
      throw JobError(.lakeError, "the list of days without rows \(path) cannot be read; remove it to begin a new one")
    }
    var days: [TableName: Set<Day>] = [:]
    for case (let name, .array(let items)) in tables {
      guard let table = try? TableName(parsing: name) else { continue }
      days[table] = Set(items.compactMap { $0.string.flatMap { Day($0) } })
    }
    self.init(days)
  }
}
