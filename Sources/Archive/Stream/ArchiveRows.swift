import Essentials
package import Lake

/// Reads an archive without a usable manifest for what the manifest would say.
package enum ArchiveRows {
  /// The number of rows of the archive at `path`, without its header, and the names in its header. Reads the whole file.
  /// - Throws: ``JobError`` `archive_corrupt`, `archive_not_gzip`, `bad_header`; `LakeError`.
  package static func read(_ path: LakePath, of lake: any LakeStore) async throws -> (rows: Int, columns: [String]) {
    let reader = try await ArchiveReader(path, in: lake)
    do {
      var counter = CSVRecordCounter(format: CSVFormat())
      var parser = CSVHeaderParser(format: CSVFormat())
      var header: CSVHeaderParser.Header?
      while let bytes = try await reader.next() {
        try Task.checkCancellation()
        if header == nil { header = try parser.feed(bytes) }
        counter.feed(bytes)
      }
      let names = try (header ?? parser.finish()).names.map { String(decoding: $0, as: UTF8.self) }
      await reader.close()
      return (max(0, counter.finish() - 1), names)
    } catch {
      await reader.close()
      throw error
    }
  }

  /// The SHA-256 of the file at `path`, in lower-case hexadecimal. Reads the whole file.
  /// - Throws: `LakeError`.
  static func digest(of path: LakePath, in lake: any LakeStore) async throws -> String {
    let reader = try await lake.openReader(path)
    do {
      var hasher = SHA256Hasher()
      while case let bytes = try await reader.read(maxBytes: ArchiveReader.chunkBytes), !bytes.isEmpty {
        hasher.update(bytes)
      }
      await reader.close()
      return hasher.finish().hex
    } catch {
      await reader.close()
      throw error
    }
  }
}
