import Foundation
import Glibc
import HTTPClient

/// The advisory lock of flock(2) on a folder, which serializes the publishers of all processes.
///
/// It is polled without blocking, so that no thread is held and cancellation is observed.
struct FolderLock {
  let folder: FileDescriptor
  /// The file that is to be published in it.
  let path: LakePath
  let operations: FileOperations
  let options: FolderOptions

  /// The pause between two tries doubles up to this.
  static let longestPause = Duration.milliseconds(100)
  static let firstPause = Duration.milliseconds(1)
  static let tellAfter = Duration.seconds(1)

  /// Waits for the lock. Closing the descriptor releases it.
  ///
  /// Throws `LakeError.unavailable` when another process keeps it for too long, `CancellationError`.
  func acquire() async throws {
    let start = options.timer.now()
    var pause = Self.firstPause
    var isTold = false
    while try await !operations.run(attempt) {
      let waited = options.timer.now() - start
      let holder = waited < Self.tellAfter ? "" : FolderLock.holder(of: folder)
      guard waited < options.lockLimit else {
        throw LakeError.unavailable(
          path, operation: "locking its folder",
          reason: "\(holder) has held the lock of that folder (flock) for \(options.lockLimit.components.seconds) s; "
            + "end it, then try again")
      }
      if !isTold, waited >= Self.tellAfter {
        isTold = true
        options.onLockWait(path, holder)
      }
      try await options.timer.sleep(min(pause, options.lockLimit - waited))
      pause = min(pause * 2, Self.longestPause)
    }
  }

  /// Whether the lock is ours; blocks only where the file system does.
  private var attempt: @Sendable () throws -> Bool {
    { [folder, path] in
      do throws(SystemError) {
        try SystemError.check { flock(folder.number, LOCK_EX | LOCK_NB) }
        return true
      } catch {
        if error.number == EWOULDBLOCK { return false }
        // Some network file systems have no locks; there the check before the rename is the only guard.
        if [EOPNOTSUPP, ENOLCK, ENOSYS, EBADF, EINVAL].contains(error.number) { return true }
        throw error.lakeError(path, operation: "locking its folder")
      }
    }
  }

  /// `process 123`, by proc_locks(5); `another process` where it is not of this machine, or can't be told.
  static func holder(of folder: FileDescriptor) -> String {
    guard let status = try? folder.status(), let locks = FileManager.default.contents(atPath: "/proc/locks") else {
      return "another process"
    }
    for line in String(decoding: locks, as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count >= 6, fields[1] == "FLOCK", fields[5].hasSuffix(":\(status.st_ino)"), let pid = Int(fields[4])
      else { continue }
      return pid > 0 ? "process \(pid)" : "another process"
    }
    return "another process"
  }
}
