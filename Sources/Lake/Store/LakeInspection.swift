package import struct Foundation.Date

/// What a lake tells of itself beyond its files; each is nil where the lake does not tell it.
package struct LakeInspection: Sendable, Equatable {
  /// The clock of the service, to a second, when it answered.
  package var serverTime: Date?
  /// Whether the account has the hierarchical namespace, in which a rename is one step.
  package var hasHierarchicalNamespace: Bool?
  /// Bytes that this process may still write to the file system of a folder.
  package var freeBytes: Int?

  package init() {}
}

extension LakeStore {
  package func inspect() async throws -> LakeInspection { LakeInspection() }

  package func deleteAndTell(_ path: LakePath) async throws -> Bool? {
    try await delete(path)
    return nil
  }
}
