import Lake

/// Reads a whole archive to learn what no manifest tells.
enum ArchiveScan {
  /// Rows in the archive at `path`, without its header.
  /// - Throws: ``JobError`` `archive_corrupt`, `archive_not_gzip`.
  static func rows(of path: LakePath, in lake: any LakeStore) async throws -> Int {
    let reader = try await ArchiveReader(path, in: lake)
    do {
      var counter = CSVRecordCounter()
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
