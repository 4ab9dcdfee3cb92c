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

  /// Reads a small file, and writes what `change` makes of it; where another process writes it at the same time, reads it again.
  /// - Parameters:
  ///   - limit: the most bytes that the file may have.
  ///   - temporary: a new path at each call.
  ///   - change: gets the content, or nil where there is no file, and gives the new one, or nil to leave it.
  ///
  /// Throws what `change` throws; as ``readAll(_:limit:)`` and ``writeAll(_:to:temporary:condition:)`` do, and
  /// `LakeError.conditionNotMet` or `.alreadyExists` where others were first twenty times.
  package func rewrite(
    _ path: LakePath, limit: Int, temporary: () throws -> LakePath, _ change: ([UInt8]?) throws -> [UInt8]?
  ) async throws {
    var attempts = 0
    while true {
      // Seen before it is read: a later version fails the condition.
      let place = try await properties(of: path)
      do {
        let old = place == nil ? nil : try await readAll(path, limit: limit)
        guard let new = try change(old) else { return }
        try await writeAll(
          new, to: path, temporary: temporary(), condition: place.map { .ifMatch($0.etag) } ?? .ifAbsent)
        return
      } catch let error as LakeError where error.isOfCondition {
        attempts += 1
        guard attempts < 20 else { throw error }
        // Dozens of writers come to their turn when each waits for a time of its own.
        try await Task.sleep(for: .seconds(Double.random(in: 0...min(1, 0.01 * Double(1 << attempts)))))
      }
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

extension LakeError {
  /// Another process was first.
  fileprivate var isOfCondition: Bool {
    switch self {
    // Or has removed the file before it was read.
    case .conditionNotMet, .alreadyExists, .notFound: true
    default: false
    }
  }
}
