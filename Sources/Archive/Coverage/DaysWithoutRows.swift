import Essentials
package import Lake
import Reporting
package import TableDays

/// The days of a database of which a backup has found no rows, and made no archive:
/// `<database>/_sluice/days_without_rows.json`. A listing tells them from days that were never archived by it, however long ago
/// the operation's document was removed.
package struct DaysWithoutRows: Sendable, Equatable {
  /// Whether the day never had rows, as far as the backup that looked can tell.
  package enum Evidence: String, Sendable, CaseIterable {
    /// The day was just over, or the table still had what came before it.
    case certain
    /// Rows of the day may have been dropped with those before it.
    case doubtful
  }

  package private(set) var days: [TableName: [Day: Evidence]]

  package init(_ days: [TableName: [Day: Evidence]] = [:]) {
    self.days = days.filter { !$0.value.isEmpty }
  }

  /// What a backup has learned.
  package struct Findings: Sendable, Equatable {
    /// Days that have no rows and no archive.
    package var without: [TableName: [Day: Evidence]] = [:]
    /// Days that have an archive.
    package var archived: [TableName: Set<Day>] = [:]

    package init() {}
  }

  /// What is known after a backup.
  package func with(_ findings: Findings) -> DaysWithoutRows {
    var all = days
    // What came before the day may be dropped later: that makes nothing doubtful.
    for (table, days) in findings.without { all[table, default: [:]].merge(days) { $0 == .certain ? $0 : $1 } }
    for (table, archived) in findings.archived { all[table] = all[table]?.filter { !archived.contains($0.key) } }
    return DaysWithoutRows(all)
  }

  /// The days of which it is known that there was nothing to archive. A doubtful one is none of them where an earlier day is archived:
  /// the table had rows then.
  package func empty(in inventory: LakeInventory) -> [TableName: Set<Day>] {
    days.reduce(into: [:]) { empty, item in
      let first = inventory.archives[item.key]?.keys.min()
      empty[item.key] = Set(
        item.value.filter { day, evidence in evidence == .certain || first.map { day < $0 } ?? true }.keys)
    }
  }
}

extension DaysWithoutRows {
  /// A hundred tables of thirty years without a row have some 14 MB.
  private static let maximumBytes = 32 << 20
  /// Archives that are looked for at the same time.
  private static let looksAtOnce = 16

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
  ///
  /// The archives of new days are looked for once the note is written, and whoever archives a day takes its note out once the archive is
  /// published: in either order no note stays beside an archive.
  /// - Throws: as ``read(of:in:)``.
  package static func note(_ findings: Findings, of database: String, in lake: any LakeStore) async throws {
    let added = try await write(findings, of: database, in: lake)
    var again = Findings()
    again.archived = try await archived(added, of: database, in: lake)
    if !again.archived.isEmpty { _ = try await write(again, of: database, in: lake) }
  }

  /// - Returns: the days that are new in the file.
  private static func write(
    _ findings: Findings, of database: String, in lake: any LakeStore
  ) async throws -> [TableDay] {
    let path = try path(database: database)
    var added: [TableDay] = []
    try await lake.rewrite(
      path, limit: maximumBytes, temporary: { try ArchiveLayout.newTemporaryPath(database: database) }
    ) { bytes in
      let old = try bytes.map { try DaysWithoutRows(parsing: $0, of: path) } ?? DaysWithoutRows()
      let new = old.with(findings)
      added = findings.without.flatMap { table, days in
        days.keys.filter { new.days[table]?[$0] != nil && old.days[table]?[$0] == nil }.map {
          TableDay(database: database, table: table, day: $0)
        }
      }
      return new == old ? nil : Array(new.json.compact.utf8)
    }
    return added
  }

  /// Those of `days` that have an archive.
  private static func archived(
    _ days: [TableDay], of database: String, in lake: any LakeStore
  ) async throws -> [TableName: Set<Day>] {
    try await withThrowingTaskGroup(of: TableDay?.self) { group in
      var rest = days[...]
      func addNext() {
        guard let next = rest.popFirst() else { return }
        group.addTask { try await next.archive(in: lake) == nil ? nil : next }
      }
      for _ in 0..<looksAtOnce { addNext() }
      var found: [TableName: Set<Day>] = [:]
      while let archived = try await group.next() {
        addNext()
        if let archived { found[archived.table, default: []].insert(archived.day) }
      }
      return found
    }
  }

  /// The tables are a list: two names that Unicode calls equal are two tables.
  private var json: JSONValue {
    let tables = days.sorted { $0.key < $1.key }.map { table, days in
      var members: [String: JSONValue] = ["table": .string("\(table)")]
      for evidence in Evidence.allCases {
        let own = days.filter { $0.value == evidence }.keys.sorted()
        if !own.isEmpty { members[evidence.rawValue] = .array(own.map { .string("\($0)") }) }
      }
      return JSONValue.object(members)
    }
    return ["format_version": 1, "tables": .array(tables)]
  }

  private init(parsing bytes: [UInt8], of path: LakePath) throws {
    guard let document = try? JSONValue(parsing: bytes).object, document["format_version"] == 1,
      case .array(let tables)? = document["tables"]
    else {
      throw JobError(.lakeError, "the list of days without rows \(path) cannot be read; remove it to begin a new one")
    }
    var days: [TableName: [Day: Evidence]] = [:]
    for case .object(let members) in tables {
      guard let table = (members["table"]?.string).flatMap({ try? TableName(parsing: $0) }) else { continue }
      for evidence in Evidence.allCases {
        guard case .array(let items)? = members[evidence.rawValue] else { continue }
        for day in items.compactMap({ $0.string.flatMap { Day($0) } }) { days[table, default: [:]][day] = evidence }
      }
    }
    self.init(days)
  }
}
