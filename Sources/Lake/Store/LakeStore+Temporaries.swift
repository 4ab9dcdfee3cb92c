public import struct Foundation.Date

extension LakeStore {
  /// Removes the files below a folder that were last changed before `date`, such as what a killed process left.
  ///
  /// Returns how many files were removed. `date` must lie further back than the longest upload lasts: a service need not
  /// show the time of appends that are not flushed yet.
  public func removeTemporaries(under folder: LakePath, olderThan date: Date) async throws -> Int {
    var removed = 0
    for try await entry in list(under: folder, recursive: true) where !entry.isDirectory && entry.modified < date {
      try await delete(entry.path)
      removed += 1
    }
    return removed
  }
}
