package import Lake
import Reporting

/// Reads the values of one column of an archive.
package enum ArchiveColumn {
  /// Values that are handed on at once.
  private static let group = 5_000

  /// Reads the whole file.
  /// - Parameters:
  ///   - archive: the file that was read before; another one in its place is refused.
  ///   - column: its place among the columns, from 0.
  ///   - body: receives the values in groups, in order; nil is NULL.
  /// - Throws: ``JobError`` `archive_changed`, `archive_corrupt`; `LakeError`; what `body` throws.
  package static func read(
    _ column: Int, of archive: LakeEntry, in lake: any LakeStore, _ body: ([String?]) async throws -> Void
  ) async throws {
    let reader = try await ArchiveReader(archive.path, in: lake)
    do {
      guard reader.entry.etag == archive.etag else {
        throw JobError(.archiveChanged, "the archive \(archive.path) was replaced while it was read; run the job again")
      }
      var parser = CSVColumnParser(column: column)
      while let bytes = try await reader.next() {
        try Task.checkCancellation()
        parser.feed(bytes)
        if parser.values.count >= group { try await body(parser.take()) }
      }
      parser.finish()
      if !parser.values.isEmpty { try await body(parser.take()) }
      await reader.close()
    } catch {
      await reader.close()
      throw error
    }
  }
}
