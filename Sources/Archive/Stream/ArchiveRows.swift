package import Lake

/// Counts the rows of an archive without a usable manifest by reading the whole file.
package enum ArchiveRows {
  /// The number of rows of the archive at `path`, without its header.
  /// - Throws: ``JobError`` `archive_corrupt`, `archive_not_gzip`; `LakeError`.
  package static func count(in path: LakePath, of lake: any LakeStore) async throws -> Int {
    let reader = try await ArchiveReader(path, in: lake)
    do {
      var counter = CSVRecordCounter(format: CSVFormat())
      while let bytes = try await reader.next() {
        try Task.checkCancellation()
        counter.feed(bytes)
      }
      await reader.close()
      return max(0, counter.finish() - 1)
    } catch {
      await reader.close()
      throw error
    }
  }
}
