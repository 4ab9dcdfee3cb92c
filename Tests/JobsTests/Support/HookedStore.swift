import Lake

/// A store that does what `base` does, but where a hook takes the place of a step.
struct HookedStore: LakeStore {
  let base: any LakeStore
  /// Runs before a page of a listing is read.
  var beforeListing: @Sendable () async throws -> Void = {}
  /// Runs before the root is asked for.
  var beforeProbe: @Sendable () async throws -> Void = {}
  /// Runs before a writer is made.
  var beforeMaking: @Sendable (LakePath) async throws -> Void = { _ in }
  /// Runs before a file is looked at.
  var beforeProperties: @Sendable (LakePath) async throws -> Void = { _ in }
  /// Runs before a file is removed.
  var beforeDeleting: @Sendable (LakePath) async throws -> Void = { _ in }
  var append: @Sendable (any LakeWriter, [UInt8]) async throws -> Void = { try await $0.append($1) }
  var publish: @Sendable (any LakeWriter, LakePath, LakePublishCondition) async throws -> LakeEntry = {
    try await $0.publish(as: $1, condition: $2)
  }
  /// The number counts the reads of one reader, from 1.
  var read: @Sendable (any LakeReader, Int, Int) async throws -> [UInt8] = { reader, maxBytes, _ in
    try await reader.read(maxBytes: maxBytes)
  }

  init(_ base: any LakeStore) {
    self.base = base
  }

  var displayURL: String { base.displayURL }

  func probe() async throws {
    try await beforeProbe()
    try await base.probe()
  }
  func makeWriter(temporary: LakePath) async throws -> any LakeWriter {
    try await beforeMaking(temporary)
    return Writer(base: try await base.makeWriter(temporary: temporary), store: self)
  }
  func openReader(_ path: LakePath) async throws -> any LakeReader {
    Reader(base: try await base.openReader(path), store: self)
  }
  func properties(of path: LakePath) async throws -> LakeEntry? {
    try await beforeProperties(path)
    return try await base.properties(of: path)
  }
  func listPage(under folder: LakePath?, recursive: Bool, continuation: String?) async throws -> LakePage {
    try await beforeListing()
    return try await base.listPage(under: folder, recursive: recursive, continuation: continuation)
  }
  func delete(_ path: LakePath) async throws {
    try await beforeDeleting(path)
    try await base.delete(path)
  }

  private final class Writer: LakeWriter {
    let base: any LakeWriter
    let store: HookedStore

    init(base: any LakeWriter, store: HookedStore) {
      self.base = base
      self.store = store
    }

    func append(_ bytes: [UInt8]) async throws { try await store.append(base, bytes) }
    func close() async throws -> LakeFileDigest { try await base.close() }
    func publish(as path: LakePath, condition: LakePublishCondition) async throws -> LakeEntry {
      try await store.publish(base, path, condition)
    }
    func discard() async -> LakePath? { await base.discard() }
  }

  private actor Reader: LakeReader {
    let base: any LakeReader
    let store: HookedStore
    private var reads = 0

    init(base: any LakeReader, store: HookedStore) {
      self.base = base
      self.store = store
    }

    nonisolated var entry: LakeEntry { base.entry }

    func read(maxBytes: Int) async throws -> [UInt8] {
      reads += 1
      return try await store.read(base, maxBytes, reads)
    }
    func close() async { await base.close() }
  }
}
