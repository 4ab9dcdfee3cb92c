import Foundation

/// A filesystem, which the blob endpoint calls a container.
struct Filesystem {
  var stamp: Stamp
  var properties = UserProperties()
  /// Everything but the root itself.
  var nodes: [PathName: PathNode] = [:] {
    didSet {
      if !listings.isEmpty { listings = [:] }
      if !pages.isEmpty { pages = [:] }
    }
  }
  /// The paths of listings, in order, until something changes: a lake of a hundred thousand files has many pages.
  private var listings: [Listing: [PathName]] = [:]

  private struct Listing: Hashable {
    let directory: PathName
    let isRecursive: Bool
  }

  /// Pages of listings as they were answered, until something changes: who measures a client does not measure how they are made.
  private var pages: [Page: ListedPage] = [:]

  private struct Page: Hashable {
    let listing: Listing
    let after: PathName?
    let count: Int
    let isShort: Bool
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

  /// A page of a directory's listing; `make` makes it of the paths in the directory, in order.
  /// - Parameter isShort: it goes on even where nothing follows.
  mutating func page(
    of directory: PathName, recursive: Bool, after: PathName?, count: Int, isShort: Bool,
    _ make: (Filesystem, [PathName]) -> ListedPage
  ) -> ListedPage {
    let page = Page(
      listing: Listing(directory: directory, isRecursive: recursive), after: after, count: count, isShort: isShort)
    if let known = pages[page] { return known }
    let made = make(self, paths(in: directory, recursive: recursive))
    if made.isLasting { pages[page] = made }
    return made
  }

  /// The paths in a directory, in order.
  private mutating func paths(in directory: PathName, recursive: Bool) -> [PathName] {
    let listing = Listing(directory: directory, isRecursive: recursive)
    if let paths = listings[listing] { return paths }
    let depth = directory.segments.count + 1
    let paths = nodes.keys.filter { $0.isInside(directory) && (recursive || $0.segments.count == depth) }.sorted()
    listings[listing] = paths
    return paths
  }
}

/// A page of a listing.
struct ListedPage {
  /// The answer's body.
  let json: [UInt8]
  /// The path after which the listing goes on; nil at its end.
  let next: PathName?
  /// Only a change of the filesystem makes it another one: none of its files expires.
  let isLasting: Bool
}
