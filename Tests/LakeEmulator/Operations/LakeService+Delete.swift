import Foundation

extension LakeService {
  func delete(_ call: Call) throws -> Answer {
    let conditions = Conditions(call.head)
    // The blob endpoint's delete has no such parameter, and takes no directory that is not empty.
    let isRecursive = try call.head.query.flag("recursive")
    try storage.within(call.filesystemName()) { filesystem in
      let now = Date()
      let node = try filesystem.existing(call.path, now: now)
      try conditions.check(node)
      try node.checkLease(call.head, now: now)
      if node.kind == .directory {
        guard isRecursive || !filesystem.hasChildren(call.path) else {
          throw ServiceError(
            409, "DirectoryNotEmpty",
            "The recursive query parameter value must be true to delete a non-empty directory.")
        }
        for path in filesystem.nodes.keys where path.isInside(call.path) { filesystem.nodes[path] = nil }
      }
      filesystem.nodes[call.path] = nil
    }
    let kept =
      options.keepsDeleted
      ? [("x-ms-delete-type-permanent", "false"), ("x-ms-deletion-id", "\(UInt64.random(in: 1...UInt64.max))")]
      : [("x-ms-delete-type-permanent", "true")]
    return Answer(call.isBlob ? 202 : 200, kept)
  }
}
