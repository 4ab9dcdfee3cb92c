import Foundation

/// A path within a filesystem, decoded, without leading or trailing separators; empty for the root.
struct PathName: Hashable, Comparable {
  let segments: [String]

  init(segments: [String]) {
    self.segments = segments
  }

  /// Reads a percent-encoded path. `%2F` is a separator like any other, as the service has it.
  /// - Throws: ``ServiceError`` for broken encoding and for what is over the limits.
  init(encoded: some StringProtocol) throws(ServiceError) {
    try self.init(decoded: PercentEncoding.decode(encoded))
  }

  /// - Throws: ``ServiceError`` for what is longer than 1024 characters ("Naming and referencing containers, blobs, and
  ///   metadata").
  init(decoded: String) throws(ServiceError) {
    segments = decoded.split(separator: "/").map(String.init)
    guard decoded.unicodeScalars.count <= 1024, segments.count <= 63 else {
      throw ServiceError(400, "InvalidResourceName", "The specified resource name is too long or too deep.")
    }
  }

  var text: String { segments.joined(separator: "/") }
  var isRoot: Bool { segments.isEmpty }
  var parent: PathName { PathName(segments: Array(segments.dropLast())) }

  func isInside(_ other: PathName) -> Bool {
    segments.count > other.segments.count && segments.starts(with: other.segments)
  }

  /// By name on each level, a directory right in front of what is in it.
  static func < (left: PathName, right: PathName) -> Bool {
    for (one, other) in zip(left.segments, right.segments) {
      let order = compare(one, other)
      if order != 0 { return order < 0 }
    }
    return left.segments.count < right.segments.count
  }

  /// By bytes: below 0, 0 or above, as `memcmp`. A directory of a hundred thousand files is sorted for its listing.
  private static func compare(_ one: String, _ other: String) -> Int {
    var (one, other) = (one, other)
    return one.withUTF8 { one in
      other.withUTF8 { other in
        let common = min(one.count, other.count)
        let order = common == 0 ? 0 : Int(memcmp(one.baseAddress!, other.baseAddress!, common))
        return order != 0 ? order : one.count - other.count
      }
    }
  }
}
