extension FolderStore {
  /// One page of what is in a folder; see `LakeStore`. The continuation is the last path given.
  public func listPage(
    under folder: LakePath?, recursive: Bool, continuation: String?
  ) async throws -> LakePage {
    try Task.checkCancellation()
    var last: LakePath?
    if let continuation {
      guard let path = try? LakePath(continuation), path.below(folder) != nil else {
        throw LakeError.invalidContinuation
      }
      last = path
    }
    return try await operations.run { [last] in
      var listing = FolderListing(
        root: root, recursive: recursive, pageSize: pageSize, onStrayLink: strayLinks.met)
      return try listing.page(of: folder, after: last)
    }
  }
}
