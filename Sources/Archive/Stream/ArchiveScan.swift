import Lake

/// Reads a whole archive to learn what no manifest tells.
enum ArchiveScan {
  /// Rows in the archive at `path`, without its header.
  /// - Throws: ``JobError`` `archive_corrupt`, `archive_not_gzip`.
  static func rows(of path: LakePath, in lake: any LakeStore) async throws -> Int {
    max(0, try await records(of: path, in: lake, format: CSVFormat()) - 1)
  }

  /// Records in the CSV at `path`, a header included.
  /// - Throws: ``JobError`` `archive_corrupt`, `archive_not_gzip`.
  static func records(of path: LakePath, in lake: any LakeStore, format: CSVFormat) async throws -> Int {
    let reader = try await ArchiveReader(path, in: lake)
    do {
      var counter = CSVRecordCounter(format: format)
      while let bytes = try await reader.next() {
        try Task.checkCancellation()
        counter.feed(bytes)
      }
      await reader.close()
      return counter.finish()
    } catch {
      await reader.close()
      throw error
    }
  }
}
