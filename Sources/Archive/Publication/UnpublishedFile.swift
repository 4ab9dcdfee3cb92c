import Lake
import Synchronization

/// The file of a backup until it is published: whatever ends the job before, it is removed.
final class UnpublishedFile: Sendable {
  private let writer = Mutex<(any LakeWriter)?>(nil)

  func set(_ writer: any LakeWriter) {
    self.writer.withLock { $0 = writer }
  }

  /// Removes the file, if one was made.
  /// - Returns: its path when it could not be removed.
  func discard() async -> LakePath? {
    await writer.withLock { $0 }?.discard()
  }
}
