package import Lake
package import TableDays

extension ArchiveCatalog {
  /// Manifests that are read at the same time.
  static let manifestsAtATime = 16

  /// An archive as it was listed, with the manifest that describes it.
  package struct DescribedArchive: Sendable {
    package let entry: LakeEntry
    package let manifest: ArchiveManifest

    package init(_ entry: LakeEntry, _ manifest: ArchiveManifest) {
      self.entry = entry
      self.manifest = manifest
    }
  }

  /// The archives of `tables`, by table and day.
  /// - Throws: `LakeError`.
  package func archives(of tables: Set<TableName>, database: String) async throws -> [TableName: [Day: LakeEntry]] {
    var found: [TableName: [Day: LakeEntry]] = [:]
    for (archive, entry) in try await archives(database: database) where tables.contains(archive.table) {
      found[archive.table, default: [:]][archive.day] = entry
    }
    return found
  }

  /// The archived days of `table` from `days`, each with its manifest; nil where there is none that can be read.
  /// - Throws: `LakeError`.
  package func manifests(
    of table: TableName, database: String, in days: ClosedRange<Day>
  ) async throws -> [Day: ArchiveManifest?] {
    let found = try await archives(of: [table], database: database)[table] ?? [:]
    let wanted = found.filter { days.contains($0.key) }
    let described = try await self.described(wanted)
    return Dictionary(uniqueKeysWithValues: wanted.keys.map { ($0, described[$0]?.manifest) })
  }

  /// Those of `archives` that have a manifest which can be read.
  /// - Throws: `CancellationError`.
  package func described(_ archives: [Day: LakeEntry]) async throws -> [Day: DescribedArchive] {
    try await withThrowingTaskGroup(of: (Day, DescribedArchive?).self) { group in
      var described: [Day: DescribedArchive] = [:]
      var rest = archives[...]
      func addNext() {
        guard let (day, entry) = rest.popFirst() else { return }
        group.addTask {
          let manifest = try? await ArchiveManifest.find(for: entry, in: lake).manifest
          try Task.checkCancellation()
          return (day, manifest.map { DescribedArchive(entry, $0) })
        }
      }
      for _ in 0..<Self.manifestsAtATime { addNext() }
      while let (day, found) = try await group.next() {
        described[day] = found
        addNext()
      }
      return described
    }
  }
}
