import Essentials
import Gzip
package import Lake
import Reporting

/// Reads an archive as CSV, piece by piece, and hashes the gzip file. It decompresses on a queue of its own.
package actor ArchiveReader {
  /// The maximum length of a piece of CSV.
  package static let chunkBytes = 256 * 1024

  private nonisolated let executor = QueueExecutor(label: "sluice.gunzip")
  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// The file's properties when it was opened.
  package nonisolated let entry: LakeEntry
  private let reader: any LakeReader
  private var decompressor = GzipDecompressor()
  private var finished: SHA256Digest?
  private var hasher = SHA256Hasher()
  private var isAtEnd = false
  /// The bytes of gzip that were read.
  package private(set) var gzipBytes = 0
  /// The bytes of CSV that were returned.
  package private(set) var csvBytes = 0

  package init(_ path: LakePath, in lake: any LakeStore) async throws {
    reader = try await lake.openReader(path)
    entry = reader.entry
  }

  /// The next piece; nil at the end of a complete file.
  /// - Throws: ``JobError`` `archive_corrupt` with the offset, `archive_not_gzip`; ``LakeError``.
  package func next() async throws -> [UInt8]? {
    do {
      while true {
        if let bytes = try decompressor.next(maxBytes: Self.chunkBytes) {
          csvBytes += bytes.count
          return bytes
        }
        if isAtEnd { return nil }
        let compressed = try await reader.read(maxBytes: Self.chunkBytes)
        if compressed.isEmpty {
          isAtEnd = true
          try decompressor.finish()
        } else {
          gzipBytes += compressed.count
          hasher.update(compressed)
          try decompressor.feed(compressed)
        }
      }
    } catch let error as GzipError {
      throw JobError(archive: entry.path, error)
    }
  }

  /// The digest of the file, after its end.
  package func digest() -> SHA256Digest {
    if let finished { return finished }
    let digest = hasher.finish()
    finished = digest
    return digest
  }

  package func close() async {
    await reader.close()
  }
}

extension JobError {
  /// The error for an archive that cannot be decompressed.
  fileprivate init(archive path: LakePath, _ error: GzipError) {
    let details = error.offset.map { ["byte": JSONValue.integer($0)] } ?? [:]
    if case .notGzip = error {
      self.init(
        .archiveNotGzip,
        "\(path) is not a gzip file (\(error)); compress the CSV with gzip", details: details)
    } else {
      self.init(
        .archiveCorrupt,
        "\(path): \(error); nothing was loaded. Take another copy of the file, or back the day up again",
        details: details)
    }
  }
}
