import Essentials
import Gzip
package import Lake
import Reporting

/// Reads an archive, or another file of CSV, as CSV, piece by piece, and hashes the file. It decompresses on a queue of its own.
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
  /// Whether the file is plain CSV; nil before its first bytes are read.
  private var isPlain: Bool?
  /// The bytes of gzip that were read.
  package private(set) var gzipBytes = 0
  /// The bytes of CSV that were returned.
  package private(set) var csvBytes = 0

  package init(_ path: LakePath, in lake: any LakeStore) async throws {
    reader = try await lake.openReader(path)
    entry = reader.entry
  }

  /// The first two bytes of a gzip file (RFC 1952, 2.3.1).
  private static let magic: [UInt8] = [0x1F, 0x8B]

  /// Reads on. A file whose name ends in `.gz` is gzip; of any other the first two bytes tell.
  private func read() async throws -> [UInt8] {
    var bytes = try await reader.read(maxBytes: Self.chunkBytes)
    guard isPlain == nil else { return bytes }
    while bytes.count == 1 {
      let more = try await reader.read(maxBytes: Self.chunkBytes)
      if more.isEmpty { break }
      bytes += more
    }
    isPlain = !entry.path.name.hasSuffix(".gz") && !bytes.starts(with: Self.magic)
    return bytes
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
        let compressed = try await read()
        if isPlain == true {
          gzipBytes += compressed.count
          csvBytes += compressed.count
          hasher.update(compressed)
          isAtEnd = compressed.isEmpty
          if isAtEnd { return nil }
          return compressed
        }
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
