public import HTTPClient

/// How a lake in a folder waits, and whom it tells.
public struct FolderOptions: Sendable {
  /// How long a lock that another process holds on a folder of the lake is waited for.
  public var lockLimit = Duration.seconds(60)
  /// The clock of that wait.
  public var timer = RetryTimer.system
  /// Told once of each wait for a lock that lasts longer than a second: the file that is to be published, and who holds
  /// the lock as far as the system tells.
  public var onLockWait: @Sendable (_ path: LakePath, _ holder: String) -> Void = { _, _ in }
  /// Told once of each symbolic link that a listing passes over.
  public var onStrayLink: @Sendable (LakePath) -> Void = { _ in }
  /// Told of a temporary file that may be left, where nobody got a writer of it that would name it: the job that wanted
  /// one was cancelled meanwhile.
  public var onLeftover: @Sendable (LakePath) -> Void = { _ in }

  /// The defaults.
  public init() {}
}
