import Foundation

extension LakeService {
  func create(_ call: Call, _ kind: PathKind) throws -> Answer {
    try call.refuseBody()
    let head = call.head
    let conditions = Conditions(head)
    let properties = try head.nonEmpty("x-ms-properties").map { try UserProperties(header: $0) }
    let stamp = storage.stamp()
    var node = PathNode(kind: kind, stamp: stamp, access: AccessControl(head, kind: kind))
    node.properties = try properties ?? UserProperties(metadataOf: head)
    node.contentHeaders.update(from: head)
    node.transactionID = head.nonEmpty("x-ms-client-transaction-id")
    if let option = head.nonEmpty("x-ms-expiry-option") {
      node.expiry = try ExpiryOption(option, time: head["x-ms-expiry-time"]).expiry(created: stamp.time, now: Date())
    }
    if let id = head.nonEmpty("x-ms-proposed-lease-id") {
      node.lease = Lease(id: id, duration: try LeaseDuration.read(head), now: Date())
    }
    let made = node
    let answered = try storage.within(call.filesystemName()) { filesystem in
      let now = Date()
      let existing = filesystem.node(call.path, now: now)
      try conditions.check(replacing: existing)
      // Without a lease id a create overwrites a leased file and breaks the lease ("Path - Create").
      if head.nonEmpty("x-ms-lease-id") != nil { try existing?.checkLease(head, now: now) }
      if let existing, existing.kind == .directory || kind == .directory {
        guard existing.kind == kind else {
          throw ServiceError(
            409, "PathConflict",
            "The specified path, or an element of the path, exists and its resource type is invalid for this "
              + "operation.", headers: [("x-ms-existing-resource-type", existing.kind.rawValue)])
        }
        // A directory that is there stays, with what is in it.
        var kept = existing
        if !made.properties.values.isEmpty { kept.properties = made.properties }
        kept.transactionID = made.transactionID
        kept.touch(stamp)
        filesystem.nodes[call.path] = kept
        return kept
      }
      try makeParents(of: call.path, in: &filesystem, stamp: stamp, head: head, now: now)
      filesystem.nodes[call.path] = made
      return made
    }
    var answer = Answer(201, answered.stampHeaders + [("x-ms-request-server-encrypted", "true")])
    if let lease = answered.lease { answer.set("x-ms-lease-id", lease.id) }
    return answer
  }

  private func makeParents(
    of path: PathName, in filesystem: inout Filesystem, stamp: Stamp, head: RequestHead, now: Date
  ) throws(ServiceError) {
    var parent = path.parent
    while !parent.isRoot {
      switch filesystem.node(parent, now: now)?.kind {
      case .directory: return
      case .file:
        throw ServiceError(
          409, "PathConflict",
          "The specified path, or an element of the path, exists and its resource type is invalid for this operation.")
      case nil:
        var access = AccessControl(head, kind: .directory)
        access.permissions = "rwxr-x---"
        filesystem.nodes[parent] = PathNode(kind: .directory, stamp: stamp, access: access)
      }
      parent = parent.parent
    }
  }
}
