import Foundation

/// A file or a directory.
struct PathNode {
  let kind: PathKind
  var etag: String
  var lastModified: Date
  let created: Date
  var properties = UserProperties()
  var contentHeaders = ContentHeaders()
  /// What a writer stored by `x-ms-content-md5` on its flush; nothing is computed (sheet §6).
  var contentMD5: String?
  var access: AccessControl
  var expiry: Date?
  var lease: Lease?
  /// The id of the create or rename that made it (sheet §5).
  var transactionID: String?

  /// The length that readers see.
  var committed = 0
  /// Appended and not yet flushed. A repeat of the same position and length is one and the same (sheet §5).
  var uncommitted: Set<Extent> = []
  /// Where the bytes are; nil before the first append.
  var data: DataFile?

  init(kind: PathKind, stamp: Stamp, access: AccessControl) {
    self.kind = kind
    etag = stamp.etag
    lastModified = stamp.time
    created = stamp.time
    self.access = access
  }

  /// Shows a change: a new ETag and time.
  mutating func touch(_ stamp: Stamp) {
    etag = stamp.etag
    lastModified = stamp.time
  }
}
