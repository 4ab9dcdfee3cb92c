/// The range of a read (sheet §2.4).
struct ByteRange {
  let first: Int
  /// Inclusive; nil for up to the end.
  let last: Int?

  /// Reads `x-ms-range`, which wins, or `Range`.
  /// - Throws: ``ServiceError`` for what is no range: suffix ranges are not part of the interface.
  static func read(_ head: RequestHead) throws(ServiceError) -> ByteRange? {
    guard let text = head.nonEmpty("x-ms-range") ?? head.nonEmpty("range") else { return nil }
    let name = head.nonEmpty("x-ms-range") == nil ? "Range" : "x-ms-range"
    guard text.hasPrefix("bytes=") else { throw .badHeader(name) }
    let ends = text.dropFirst("bytes=".count).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard ends.count == 2, let first = Int(ends[0]), first >= 0 else { throw .badHeader(name) }
    if ends[1].isEmpty { return ByteRange(first: first, last: nil) }
    guard let last = Int(ends[1]), last >= first else { throw .badHeader(name) }
    return ByteRange(first: first, last: last)
  }
}
