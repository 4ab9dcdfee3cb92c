import Lake
package import TableDays

extension ArchiveCatalog {
  /// The archived days of `table` from `days`, each with its manifest; nil where there is none that can be read.
  /// - Throws: `LakeError`.
  package func manifests(
    of table: TableName, database: String, in days: ClosedRange<Day>
  ) async throws -> [Day: ArchiveManifest?] {
    let found = try await archives(database: database).filter { $0.key.table == table && days.contains($0.key.day) }
    return try await withThrowingTaskGroup(of: (Day, ArchiveManifest?).self) { group in
      var manifests: [Day: ArchiveManifest?] = [:]
      var rest = found[...]
      func addNext() {
        guard let (archive, entry) = rest.popFirst() else { return }
        group.addTask {
          let manifest = try? await ArchiveManifest.find(for: entry, in: lake).manifest
          try Task.checkCancellation()
          return (archive.day, manifest)
        }
      }
      for _ in 0..<Self.manifestsAtATime { addNext() }
      while let (day, manifest) = try await group.next() {
        manifests.updateValue(manifest, forKey: day)
        addNext()
      }
      return manifests
    }
  }
}
