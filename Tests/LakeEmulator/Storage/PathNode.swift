import Foundation

/// A file or a directory.
struct PathNode {
  let kind: PathKind
  var etag: String
  var lastModified: Date
  let created: Date
  var properties = UserProperties()
  var contentHeaders = ContentHeaders()
  /// What a writer stored by `x-ms-content-md5` on its flush; nothing is computed ("Path - Update").
  var contentMD5: String?
  var access: AccessControl
  var expiry: Date?
  var lease: Lease?
  /// The id of the create or rename that made it (`x-ms-client-transaction-id`).
  var transactionID: String?

  /// The length that readers see.
  var committed = 0
  /// Appended and not yet flushed. An append that is repeated, at the same position with the same length, counts once.
  var uncommitted: Set<Extent> = []
  /// Where the bytes are; nil before the first append.
  var data: DataFile?
  /// Where they begin in `data`: files that the emulator was given share one.
  var start = 0

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

/// What a path is.
enum PathKind: String {
  case file
  case directory
}

/// A stretch of appended bytes that no flush has covered yet.
struct Extent: Hashable {
  let position: Int
  let count: Int

  var end: Int { position + count }
}

/// An ETag and the time it was given.
struct Stamp {
  let etag: String
  let time: Date

  /// ETags look like the service's: `0x8D` and hundreds of nanoseconds, quoted. `serial` makes each one new.
  init(serial: Int, time: Date) {
    let ticks = UInt64(time.timeIntervalSince1970) << 20 &+ UInt64(serial)
    etag = "\"0x8D\(String(ticks & 0xF_FFFF_FFFF_FFFF, radix: 16, uppercase: true))\""
    self.time = time
  }
}
