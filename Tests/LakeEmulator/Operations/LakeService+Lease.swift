import Foundation

/// The DFS endpoint takes `POST`, the blob endpoint `PUT` with `comp=lease`.
extension LakeService {
  func lease(_ call: Call) throws -> Answer {
    try call.refuseBody()
    let head = call.head
    guard let action = head.nonEmpty("x-ms-lease-action")?.lowercased() else {
      throw ServiceError.missingHeader("x-ms-lease-action")
    }
    let conditions = Conditions(head)
    return try storage.within(call.filesystemName()) { filesystem in
      let now = Date()
      var node = try filesystem.existing(call.path, now: now)
      try conditions.check(node)
      var answer = try LeaseAction(action, head).apply(to: &node, now: now)
      filesystem.nodes[call.path] = node
      for (name, value) in node.stampHeaders { answer.set(name, value) }
      return answer
    }
  }
}

extension PathNode {
  /// Whether a write may go on: with an active lease only with its id, without one only without an id.
  /// - Throws: ``ServiceError`` 412.
  func checkLease(_ head: RequestHead, now: Date) throws(ServiceError) {
    try checkLease(id: head.nonEmpty("x-ms-lease-id"), now: now)
  }

  func checkLease(id: String?, now: Date) throws(ServiceError) {
    guard let lease, lease.isActive(now) else {
      guard id == nil else {
        throw ServiceError(412, "LeaseNotPresent", "There is currently no lease on the resource.")
      }
      return
    }
    guard let id else {
      throw ServiceError(
        412, "LeaseIdMissing", "There is currently a lease on the resource and no lease ID was specified.")
    }
    guard id.lowercased() == lease.id.lowercased() else {
      throw ServiceError(412, "LeaseIdMismatch", "The lease ID specified did not match the lease ID of the resource.")
    }
  }
}
