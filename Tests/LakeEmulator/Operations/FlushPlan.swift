/// What a flush does to a file (sheet §2.2): a decision without I/O.
struct FlushPlan {
  static let refusal = ServiceError(
    400, "InvalidFlushPosition",
    "The uploaded data is not contiguous or the position query parameter value is not equal to the length of the file "
      + "after appending the uploaded data.")

  let length: Int
  private let kept: Set<Extent>

  /// - Throws: ``ServiceError`` when the bytes from the committed length to `position` have a gap or an overlap, or do not
  ///   end there.
  init(_ node: PathNode, to position: Int, retains: Bool) throws(ServiceError) {
    var end = node.committed
    for extent in node.uncommitted.sorted(by: { ($0.position, $0.count) < ($1.position, $1.count) })
    where extent.position < position {
      guard extent.position == end else { throw Self.refusal }
      end = extent.end
    }
    guard end == position else { throw Self.refusal }
    length = position
    kept = retains ? node.uncommitted.filter { $0.position >= position } : []
  }

  func apply(to node: inout PathNode, stamp: Stamp) {
    node.committed = length
    node.uncommitted = kept
    if kept.isEmpty { node.data?.cut(to: length) }
    node.contentMD5 = nil
    node.touch(stamp)
  }
}
