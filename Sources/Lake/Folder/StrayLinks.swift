import Synchronization

/// Tells of each symbolic link once, however often it is met.
final class StrayLinks: Sendable {
  /// Links that are kept in mind; those beyond are not told.
  static let maximum = 1000

  private let told = Mutex<Set<LakePath>>([])
  private let tell: @Sendable (LakePath) -> Void

  init(_ tell: @escaping @Sendable (LakePath) -> Void) {
    self.tell = tell
  }

  func met(_ path: LakePath) {
    let isNew = told.withLock { $0.count < Self.maximum && $0.insert(path).inserted }
    if isNew { tell(path) }
  }
}
