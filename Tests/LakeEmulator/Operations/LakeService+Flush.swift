import Foundation

extension LakeService {
  func flush(_ call: Call) throws -> Answer {
    let head = call.head
    guard let position = try head.query.number("position") else { throw ServiceError.missingQuery("position") }
    let retains = try head.query.flag("retainUncommittedData")
    _ = try head.query.flag("close")
    try call.refuseBody()
    let conditions = Conditions(head)
    let stamp = storage.stamp()
    let node = try storage.within(call.filesystemName()) { filesystem in
      let now = Date()
      var node = try filesystem.existing(call.path, now: now)
      try node.checkIsFile()
      // Conditions are looked at before the position.
      try conditions.check(node)
      try node.checkLease(head, now: now)
      let plan = try FlushPlan(node, to: position, retains: retains)
      let isNothing = position == 0 && node.committed == 0
      var shown = node
      plan.apply(to: &shown, stamp: stamp)
      shown.contentMD5 = head.nonEmpty("x-ms-content-md5")
      shown.contentHeaders.update(from: head)
      // The ETag of a flush to 0 of an empty file is one that a later HEAD does not show.
      node = shown
      if isNothing {
        node.etag = filesystem.nodes[call.path]?.etag ?? node.etag
      }
      filesystem.nodes[call.path] = node
      return shown
    }
    return Answer(200, node.stampHeaders + [("x-ms-request-server-encrypted", "false")])
  }
}

/// What a flush does to a file ("Path - Update"): a decision without I/O.
struct FlushPlan {
  static let refusal = ServiceError(
    400, "InvalidFlushPosition",
    "The uploaded data is not contiguous or the position query parameter value is not equal to the length of the file "
      + "after appending the uploaded data.")

  let length: Int
  private let kept: Set<Extent>

  /// - Throws: ``ServiceError`` when the bytes from the committed length to `position` have a gap or an overlap, or do
  ///   not end there.
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
