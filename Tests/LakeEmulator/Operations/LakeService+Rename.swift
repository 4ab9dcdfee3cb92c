import Foundation

extension LakeService {
  func rename(_ call: Call) throws -> Answer {
    try call.refuseBody()
    let head = call.head
    let (sourceFilesystem, source) = try renameSource(head["x-ms-rename-source"] ?? "")
    if let mode = head.query["mode"]?.lowercased(), mode != "posix", mode != "legacy" {
      throw ServiceError.badQuery("mode")
    }
    let name = try call.filesystemName()
    guard sourceFilesystem == name else {
      // Within one filesystem everything here is done under one lock; across two, the interface allows it as well.
      return try renameAcross(call, sourceFilesystem, source)
    }
    try storage.within(name) { filesystem in
      let moved = try take(source, from: filesystem, head)
      try check(call, moved: moved, source: source, isSameFilesystem: true, destination: filesystem)
      put(moved, from: source, call, into: &filesystem, removing: true)
    }
    return Answer(201)
  }

  private func renameAcross(_ call: Call, _ sourceFilesystem: String, _ source: PathName) throws -> Answer {
    let name = try call.filesystemName()
    try storage.withAll { filesystems in
      guard let from = filesystems[sourceFilesystem], var into = filesystems[name] else {
        throw ServiceError.filesystemNotFound
      }
      let moved = try take(source, from: from, call.head)
      try check(call, moved: moved, source: source, isSameFilesystem: false, destination: into)
      put(moved, from: source, call, into: &into, removing: false)
      filesystems[name] = into
      for path in moved.keys { filesystems[sourceFilesystem]?.nodes[path] = nil }
    }
    return Answer(201)
  }

  /// The header's value is percent-encoded, begins with `/`, names the filesystem, and may carry the source's SAS.
  private func renameSource(_ text: String) throws(ServiceError) -> (String, PathName) {
    let path = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)[0]
    let segments = try PathName(encoded: path).segments
    guard path.hasPrefix("/"), segments.count >= 2 else {
      throw ServiceError(400, "InvalidSourceUri", "The source URI is invalid.")
    }
    return (segments[0], PathName(segments: Array(segments.dropFirst())))
  }

  /// The source and all that is in it.
  private func take(
    _ source: PathName, from filesystem: Filesystem, _ head: RequestHead
  ) throws(ServiceError) -> [PathName: PathNode] {
    let now = Date()
    guard let node = filesystem.node(source, now: now) else {
      throw ServiceError(404, "SourcePathNotFound", "The source path for a rename operation does not exist.")
    }
    try Conditions(head, isSource: true).check(node)
    try node.checkLease(id: head.nonEmpty("x-ms-source-lease-id"), now: now)
    if node.kind == .file { return [source: node] }
    return filesystem.nodes.filter { $0.key == source || $0.key.isInside(source) }
  }

  private func check(
    _ call: Call, moved: [PathName: PathNode], source: PathName, isSameFilesystem: Bool, destination: Filesystem
  ) throws(ServiceError) {
    let now = Date()
    if isSameFilesystem, call.path.isInside(source) || (call.path == source && moved[source]?.kind == .directory) {
      throw ServiceError(
        409, "InvalidRenameSourcePath", "The source directory cannot be the same as nor contain the destination.")
    }
    guard destination.isDirectory(call.path.parent, now: now) else {
      throw ServiceError(
        404, "RenameDestinationParentPathNotFound",
        "The parent directory of the destination path does not exist.")
    }
    let existing = destination.node(call.path, now: now)
    try Conditions(call.head).check(replacing: existing)
    guard let existing else { return }
    // Without a lease id a rename overwrites a leased file and breaks the lease ("Path - Create").
    if call.head.nonEmpty("x-ms-lease-id") != nil { try existing.checkLease(call.head, now: now) }
    guard existing.kind == moved[source]?.kind else {
      throw ServiceError(
        409, "InvalidSourceOrDestinationResourceType",
        "The source and destination resource type must be identical.")
    }
    guard existing.kind == .file || !destination.hasChildren(call.path) else {
      throw ServiceError(
        409, "DestinationPathNotEmpty", "The rename destination directory is not empty.")
    }
  }

  /// ETag, time, content and properties go along; only what the request names is new.
  private func put(
    _ moved: [PathName: PathNode], from source: PathName, _ call: Call, into filesystem: inout Filesystem,
    removing: Bool
  ) {
    if removing {
      for path in moved.keys { filesystem.nodes[path] = nil }
    }
    for (path, var node) in moved {
      if path == source {
        if let header = call.head.nonEmpty("x-ms-properties"), let properties = try? UserProperties(header: header) {
          node.properties = properties
        }
        node.transactionID = call.head.nonEmpty("x-ms-client-transaction-id") ?? node.transactionID
      }
      let rest = path.segments.dropFirst(source.segments.count)
      filesystem.nodes[PathName(segments: call.path.segments + rest)] = node
    }
  }
}
