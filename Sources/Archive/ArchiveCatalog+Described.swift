package import Lake
package import TableDays

extension ArchiveCatalog {
  /// A table-day that has an archive, or a manifest without one.
  package struct Described: Sendable {
    package let tableDay: TableDay
    /// Nil where only the manifest is there.
    package let archive: LakeEntry?
  }

  /// The archives of `database`, and the manifests whose archive is gone, by table and day.
  /// - Throws: `LakeError`.
  package func described(database: String, _ tables: Set<TableName>, in bounds: Bounds) async throws -> [Described] {
    func isWanted(_ tableDay: TableDay) -> Bool {
      (tables.isEmpty || tables.contains(tableDay.table)) && bounds.contains(tableDay)
    }
    var found: [TableDay: LakeEntry?] = [:]
    for (tableDay, entry) in try await archives(database: database) where isWanted(tableDay) {
      found.updateValue(entry, forKey: tableDay)
    }
    for try await entry in lake.list(under: try ArchiveLayout.manifestFolder(database: database), recursive: false)
    where !entry.isDirectory {
      guard let tableDay = ArchiveLayout.tableDay(manifest: entry.path, of: database), isWanted(tableDay),
        found[tableDay] == nil
      else { continue }
      // One that was published since the archives were listed.
      found.updateValue(try await tableDay.archive(in: lake), forKey: tableDay)
    }
    return found.map { Described(tableDay: $0.key, archive: $0.value) }.sorted { $0.tableDay < $1.tableDay }
  }
}
