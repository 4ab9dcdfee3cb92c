/// A page of a listing. It may be short, or even empty, and still have a continuation.
package struct LakePage: Sendable {
  /// The files and folders of this page.
  package let entries: [LakeEntry]

  /// Requests the next page; nil at the end. Its form is the store's own.
  package let continuation: String?

  /// A page as a store has read it.
  package init(entries: [LakeEntry], continuation: String?) {
    self.entries = entries
    self.continuation = continuation
  }
}

/// The entries of a listing, one by one; no more than one page is in memory.
package struct LakeListing: AsyncSequence, Sendable {
  /// What the sequence gives.
  package typealias Element = LakeEntry

  let store: any LakeStore
  let folder: LakePath?
  let recursive: Bool

  /// Starts at the first page.
  package func makeAsyncIterator() -> Iterator {
    Iterator(listing: self)
  }

  /// Walks the pages.
  package struct Iterator: AsyncIteratorProtocol {
    private let listing: LakeListing
    private var entries: ArraySlice<LakeEntry> = []
    private var continuation: String?
    private var isAtEnd = false

    init(listing: LakeListing) {
      self.listing = listing
    }

    /// The next entry; nil at the end. Throws what the store's `listPage` throws.
    package mutating func next() async throws -> LakeEntry? {
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

extension LakeStore {
  /// All entries in a folder (nil: the root), with all below it when `recursive`; pages are fetched on the way.
  package func list(under folder: LakePath?, recursive: Bool) -> LakeListing {
    LakeListing(store: self, folder: folder, recursive: recursive)
  }
}
