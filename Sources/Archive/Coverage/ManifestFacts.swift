import CXXHash
import Essentials
import Foundation
import Lake
import TableDays

/// What a listing needs of a manifest.
struct ManifestFacts: Sendable, Equatable {
  /// A hash of the ETag that the manifest's file had.
  let etag: UInt64
  let rows: Int
  let gzipBytes: Int
  let verifiedAt: Date?

  /// Reads the members that a listing needs, of which a manifest has several times as many.
  /// - Returns: nil for what is no manifest of `database`, or of a version that this program cannot read.
  init?(_ bytes: [UInt8], etag: UInt64, of database: String, _ table: TableName, _ day: Day) {
    guard let members = try? JSONValue(parsing: bytes).object, let format = members["format_version"]?.whole,
      format <= ArchiveManifest.currentFormat, let rows = members["rows"]?.whole, rows >= 0,
      let gzipBytes = members["gzip_bytes"]?.whole, gzipBytes >= 0,
      let named = members["database"]?.string, named.utf8.elementsEqual(database.utf8),
      members["table"]?.string.flatMap({ try? TableName(parsing: $0) }) == table,
      members["date"]?.string.flatMap({ Day($0) }) == day
    else { return nil }
    var verifiedAt: Date?
    if let text = members["verified_at"]?.string {
      guard let date = try? Date(text, strategy: .iso8601) else { return nil }
      verifiedAt = date
    }
    self.init(etag: etag, rows: rows, gzipBytes: gzipBytes, verifiedAt: verifiedAt)
  }

  init(etag: UInt64, rows: Int, gzipBytes: Int, verifiedAt: Date?) {
    self.etag = etag
    self.rows = rows
    self.gzipBytes = gzipBytes
    self.verifiedAt = verifiedAt
  }

  /// The hash of an ETag. 64 bits tell the ETag of a file from the one that it had before.
  static func hash(etag: String) -> UInt64 {
    var etag = etag
    return etag.withUTF8 { XXH3_64bits($0.baseAddress, $0.count) }
  }
}
