import Lake

/// A store whose publishing at names that end in `suffix` is done, or not, and then told as `doubt` says.
struct DoubtfulStore: LakeStore {
  let base: any LakeStore
  let suffix: String
  let isDone: Bool
  let doubt: @Sendable (LakePath) -> LakeError

  var displayURL: String { base.displayURL }

  func makeWriter(temporary: LakePath) async throws -> any LakeWriter {
    DoubtfulWriter(base: try await base.makeWriter(temporary: temporary), store: self)
  }
  func openReader(_ path: LakePath) async throws -> any LakeReader { try await base.openReader(path) }
  func properties(of path: LakePath) async throws -> LakeEntry? { try await base.properties(of: path) }
  func listPage(under folder: LakePath?, recursive: Bool, continuation: String?) async throws -> LakePage {
    try await base.listPage(under: folder, recursive: recursive, continuation: continuation)
  }
  func delete(_ path: LakePath) async throws { try await base.delete(path) }
}

private final class DoubtfulWriter: LakeWriter {
  let base: any LakeWriter
  let store: DoubtfulStore

  init(base: any LakeWriter, store: DoubtfulStore) {
    self.base = base
    self.store = store
  }

  func append(_ bytes: [UInt8]) async throws { try await base.append(bytes) }
  func close() async throws -> LakeFileDigest { try await base.close() }
  func publish(as path: LakePath, condition: LakePublishCondition) async throws -> LakeEntry {
    guard path.name.hasSuffix(store.suffix) else { return try await base.publish(as: path, condition: condition) }
    if store.isDone { _ = try await base.publish(as: path, condition: condition) }
    throw store.doubt(path)
  }
  func discard() async -> LakePath? { await base.discard() }
}
