package import struct Foundation.Date

extension LakeStore {
  package func readAll(_ path: LakePath, limit: Int) async throws -> [UInt8] {
    try await readThrough(path, limit: limit)
  }

  /// The whole content of a file by a reader.
  ///
  /// Throws as `readAll` does.
  func readThrough(_ path: LakePath, limit: Int) async throws -> [UInt8] {
    let reader = try await openReader(path)
    do {
      guard reader.entry.length <= limit else { throw LakeError.tooLarge(path, limit: limit) }
      var content: [UInt8] = []
      content.reserveCapacity(reader.entry.length)
      while case let bytes = try await reader.read(maxBytes: 1 << 20), !bytes.isEmpty { content += bytes }
      await reader.close()
      return content
    } catch {
      await reader.close()
      throw error
    }
  }

  /// Writes a small file whole: at `temporary` first, then renamed to `path`. Leaves nothing behind when it throws.
  ///
  /// Throws as `makeWriter`, `LakeWriter.close` and `LakeWriter.publish` do.
  @discardableResult
  package func writeAll(
    _ bytes: [UInt8], to path: LakePath, temporary: LakePath, condition: LakePublishCondition
  ) async throws -> LakeEntry {
    let writer = try await makeWriter(temporary: temporary)
    do {
      try await writer.append(bytes)
      _ = try await writer.close()
      return try await writer.publish(as: path, condition: condition)
    } catch {
      await writer.discard()
      throw error
    }
  }

  /// Removes the files below a folder that were last changed before `date`, such as what a killed process left.
  ///
  /// Returns how many files were removed. `date` must lie further back than the longest upload lasts: a service need
  /// not show the time of appends that are not flushed yet.
  /// - Parameter keeps: whether a file stays all the same.
  package func removeFiles(
    under folder: LakePath, olderThan date: Date, keeping keeps: (LakePath) async throws -> Bool = { _ in false }
  ) async throws -> Int {
    var removed = 0
    for try await entry in list(under: folder, recursive: true) where !entry.isDirectory && entry.modified < date {
      if try await keeps(entry.path) { continue }
      try await delete(entry.path)
      removed += 1
    }
    return removed
  }
}
