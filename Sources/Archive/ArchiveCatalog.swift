package import Lake
import Reporting
package import TableDays

/// Lists the archives of a lake.
package struct ArchiveCatalog: Sendable {
  let lake: any LakeStore

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

  /// The archives of `database` in both layouts. A table-day that has one in each counts by the one in today's.
  func archives(database: String) async throws -> [TableDay: LakeEntry] {
    let folder = try ArchiveLayout.folder(database: database)
    var schemas: [LakePath] = []
    var found: [TableDay: LakeEntry] = [:]
    for try await entry in lake.list(under: folder, recursive: false) {
      if entry.isDirectory {
        schemas.append(entry.path)
      } else if let archive = try await tableDay(at: entry.path, of: database) {
        found[archive] = entry
      }
    }
    // Older function apps wrote the names as they are.
    if let plain = try? LakePath(components: [database]), plain != folder {
      for try await entry in lake.list(under: plain, recursive: false) where entry.isDirectory {
        schemas.append(entry.path)
      }
    }
    for schema in schemas where schema.name != ArchiveLayout.privateFolder {
      for try await entry in lake.list(under: schema, recursive: false) where !entry.isDirectory {
        guard let archive = TableDay(olderArchivePath: entry.path, of: database), found[archive] == nil else {
          continue
        }
        found[archive] = entry
      }
    }
    return found.filter { $0.key.table.canExist }
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

extension TableName {
  /// Whether PostgreSQL can have a table of that name: files of other tools may be named otherwise.
  var canExist: Bool {
    [schema, name].allSatisfy { !$0.isEmpty && $0.utf8.count <= Self.maximumBytes }
  }
}
