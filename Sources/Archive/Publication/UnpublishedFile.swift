package import Lake
import Synchronization

/// A file of the lake that is being written at its temporary path.
package struct UnpublishedFile: Sendable {
  package let path: LakePath
  package let writer: any LakeWriter

  /// Creates the file.
  /// - Throws: `LakeError`.
  package init(at path: LakePath, in lake: any LakeStore) async throws {
    self.path = path
    writer = try await lake.makeWriter(temporary: path)
  }

  /// Removes the file; does nothing once it is published.
  /// - Returns: the file's path when it could not be removed.
  package func discard() async -> LakePath? { await writer.discard() }

  /// Holds the file of a job, so that the job's error path can remove it.
  package final class Holder: Sendable {
    private let file = Mutex<UnpublishedFile?>(nil)

    package init() {}

    package func hold(_ file: UnpublishedFile) {
      self.file.withLock { $0 = file }
    }

    /// Removes the file, if one was created.
    /// - Returns: the file's path when it could not be removed.
    package func discard() async -> LakePath? {
      await file.withLock { $0 }?.discard()
    }
  }
}
