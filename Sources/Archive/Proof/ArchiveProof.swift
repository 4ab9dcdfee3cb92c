package import Lake
import Reporting

/// The proof that a file in the lake holds what it should. A backup's is made by closing the file, which compares the stored
/// length with the bytes that the lake's writer took, and these bytes and the row count with what was sent; a
/// verification's by an ``ArchiveReading`` of the whole file without damage.
package struct ArchiveProof: Sendable, Equatable {
  /// The number of rows without the header.
  package let rows: Int
  /// The length of the CSV in bytes, header included.
  package let csvBytes: Int
  /// The length of the gzip file in bytes, as the lake has stored it.
  package let gzipBytes: Int
  /// The SHA-256 of the bytes that the lake's writer took, or that were read back.
  package let sha256: SHA256Digest
  /// The hash of the rows, whatever their order.
  package let rowsHash: RowsHash
  /// The file's ETag. A rename keeps it, any change of the content changes it.
  package let etag: String

  /// Closes the file and compares the stored length, the bytes taken and the rows with what was sent.
  /// - Parameters:
  ///   - file: the file, with all its bytes appended.
  ///   - written: the totals of what was sent to it.
  ///   - reportedRows: the row count that the source reports; nil, when it reports none, fails the proof.
  /// - Throws: ``JobError`` `row_count_mismatch`, `length_mismatch`; `LakeError`.
  package init(
    closing file: UnpublishedFile, written: ArchiveWriter.Totals, reportedRows: Int?
  ) async throws {
    guard reportedRows == written.rows else {
      throw JobError(
        .rowCountMismatch,
        "the server copied \(reportedRows.map(String.init) ?? "an unknown number of") rows, but \(written.rows) arrived"
          + "; nothing was published. Run the backup again")
    }
    // `close` reads the stored length back and throws when it is not that of the bytes it took: see `LakeWriter.close`.
    let digest = try await file.writer.close()
    guard digest.length == written.gzipBytes else {
      throw JobError(
        .lengthMismatch,
        "\(written.gzipBytes) bytes were written, but the lake holds \(digest.length); nothing was published. Run the "
          + "backup again")
    }
    rows = written.rows
    csvBytes = written.csvBytes
    gzipBytes = digest.length
    sha256 = digest.sha256
    rowsHash = written.rowsHash
    etag = digest.etag
  }

  /// The proof of a file that was read back whole.
  package init(_ reading: ArchiveReading) {
    rows = reading.rows
    csvBytes = reading.csvBytes
    gzipBytes = reading.gzipBytes
    sha256 = reading.sha256
    rowsHash = reading.rowsHash
    etag = reading.entry.etag
  }
}
