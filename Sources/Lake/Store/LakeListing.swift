/// The entries of a listing, one by one; no more than one page is in memory.
public struct LakeListing: AsyncSequence, Sendable {
  /// What the sequence gives.
  public typealias Element = LakeEntry

  let store: any LakeStore
  let folder: LakePath?
  let recursive: Bool

  /// Starts at the first page.
  public func makeAsyncIterator() -> Iterator {
    Iterator(listing: self)
  }

  /// Walks the pages.
  public struct Iterator: AsyncIteratorProtocol {
    private let listing: LakeListing
    private var entries: ArraySlice<LakeEntry> = []
    private var continuation: String?
    private var isAtEnd = false

    init(listing: LakeListing) {
      self.listing = listing
    }

    /// The next entry; nil at the end. Throws what the store's `listPage` throws.
    public mutating func next() async throws -> LakeEntry? {
      while entries.isEmpty {
        if isAtEnd { return nil }
        try Task.checkCancellation()
        let page = try await listing.store.listPage(
          under: listing.folder, recursive: listing.recursive, continuation: continuation)
        entries = page.entries[...]
        continuation = page.continuation
        isAtEnd = page.continuation == nil
      }
      return entries.popFirst()
    }
  }
}
