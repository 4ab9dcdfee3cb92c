import Synchronization

/// The folders of a filesystem that this process has made or found: each is asked for once.
final class KnownFolders: Sendable {
  private let paths = Mutex<Set<LakePath>>([])

  func contains(_ path: LakePath) -> Bool { paths.withLock { $0.contains(path) } }

  func insert(_ path: LakePath) {
    paths.withLock { _ = $0.insert(path) }
  }

  /// For one that turns out to be gone.
  func forget(_ path: LakePath) {
    paths.withLock { _ = $0.remove(path) }
  }
}
