package import Lake
import Reporting

/// What proves that a file in the lake holds every row that was sent to it. There is no other way to one than to read the
/// file's length and digest back and to compare them, and the rows, with what was sent.
package struct ArchiveProof: Sendable, Equatable {
  /// Rows, the header not counted.
  package let rows: Int
  /// Length of the CSV in bytes, header included.
  package let csvBytes: Int
  /// Length of the gzip file in bytes, as the lake has it.
  package let gzipBytes: Int
  /// SHA-256 of the gzip file.
  package let sha256: SHA256Digest

  /// Ends the file, reads back what the lake has of it, and compares.
  /// - Parameters:
  ///   - file: the file, with all its bytes appended.
  ///   - written: what was sent to it.
  ///   - reportedRows: the rows that the source says it gave; nil where it says nothing, which proves nothing.
  /// - Throws: ``JobError`` `row_count_mismatch`, `length_mismatch`; `LakeError`.
  package init(
    closing file: UnpublishedFile, written: ArchiveWriter.Totals, reportedRows: Int?
  ) async throws {
    guard reportedRows == written.rows else {
      throw JobError(
        .rowCountMismatch,
        "the server copied \(reportedRows.map(String.init) ?? "an unknown number of") rows, \(written.rows) arrived; "
          + "nothing was published, run the backup again")
    }
    // The lake's own account of the file: a writer reads the stored length back before it gives a digest.
    let digest = try await file.writer.close()
    guard digest.length == written.gzipBytes else {
      throw JobError(
        .lengthMismatch,
        "\(written.gzipBytes) bytes were written, the lake holds \(digest.length); nothing was published, run the backup again"
      )
    }
    rows = written.rows
    csvBytes = written.csvBytes
    gzipBytes = digest.length
    sha256 = digest.sha256
  }
}
