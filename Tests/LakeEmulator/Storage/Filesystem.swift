import Foundation

/// A filesystem, which the blob endpoint calls a container.
struct Filesystem {
  var stamp: Stamp
  var properties = UserProperties()
  /// Everything but the root itself.
  var nodes: [PathName: PathNode] = [:] {
    didSet { if !listings.isEmpty { listings = [:] } }
  }
  /// The paths of listings, in order, until something changes: a lake of a hundred thousand files has many pages.
  private var listings: [Listing: [PathName]] = [:]

  private struct Listing: Hashable {
    let directory: PathName
    let isRecursive: Bool
  }

  init(stamp: Stamp) {
    self.stamp = stamp
  }

  /// What is at a path. An expired file is gone.
  func node(_ path: PathName, now: Date) -> PathNode? {
    guard let node = nodes[path] else { return nil }
    if let expiry = node.expiry, expiry <= now { return nil }
    return node
  }

  /// - Throws: ``ServiceError`` 404.
  func existing(_ path: PathName, now: Date) throws(ServiceError) -> PathNode {
    guard let node = node(path, now: now) else { throw .pathNotFound }
    return node
  }

  func isDirectory(_ path: PathName, now: Date) -> Bool {
    path.isRoot || node(path, now: now)?.kind == .directory
  }

  func hasChildren(_ path: PathName) -> Bool {
    nodes.keys.contains { $0.isInside(path) }
  }

  /// The paths in a directory, in order.
  mutating func paths(in directory: PathName, recursive: Bool) -> [PathName] {
    let listing = Listing(directory: directory, isRecursive: recursive)
    if let paths = listings[listing] { return paths }
    let depth = directory.segments.count + 1
    let paths = nodes.keys.filter { $0.isInside(directory) && (recursive || $0.segments.count == depth) }.sorted()
    listings[listing] = paths
    return paths
  }
}
