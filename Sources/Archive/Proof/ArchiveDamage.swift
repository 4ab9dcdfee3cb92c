import Essentials
import Reporting

/// What a verification finds wrong with an archive, and where.
package struct ArchiveDamage: Error, Sendable, Equatable, Encodable {
  /// What does not match.
  package enum Kind: String, Sendable, Encodable, CaseIterable {
    /// The file has another length than its manifest says.
    case length
    /// The file is no gzip file, ends too early, or a member's content does not match its CRC-32 or length.
    case gzip
    /// The header is not that of the manifest, or a row has another number of fields than the header.
    case columns
    /// The file has another number of rows than its manifest says.
    case rows
    /// The CSV has another length than the manifest says.
    case csvBytes = "csv_bytes"
    /// The rows are others than those that the manifest describes.
    case rowsHash = "rows_hash"
    /// The file is another one than its manifest describes, although its rows may be the same.
    case sha256
    /// The manifest cannot be read, or is that of another table-day.
    case manifest
    /// Rows are of another day than the one in the file's name.
    case day
  }

  package let kind: Kind
  /// One sentence for an operator; holds no row data.
  package let detail: String
  /// The offset in the gzip file from which on it is damaged; nil where it is not known.
  package var byte: Int?
  /// The number, from 1 and without the header, of the first row that is damaged; nil where it is not known.
  package var row: Int?

  package init(_ kind: Kind, _ detail: String, byte: Int? = nil, row: Int? = nil) {
    self.kind = kind
    self.detail = detail
    self.byte = byte
    self.row = row
  }

  /// The damage that `error` tells of; nil for an error that says nothing of the file's content.
  init?(_ error: JobError, row: Int) {
    switch error.code {
    case .archiveCorrupt, .archiveNotGzip:
      self.init(.gzip, error.message, byte: error.details["byte"]?.whole, row: row)
    case .badHeader: self.init(.columns, error.message)
    default: return nil
    }
  }

  enum CodingKeys: String, CodingKey {
    case kind = "what"
    case detail, byte, row
  }
}
