import Essentials
import Foundation
import Glibc
import HTTPClient
import Synchronization

/// The advisory lock of flock(2) on a folder, which serializes the publishers of all processes.
///
/// It is polled without blocking, so that no thread is held and cancellation is observed. The publishers of this process
/// come one after the other to it: hundreds that poll would mostly wait for their next try.
struct FolderLock {
  let folder: FileDescriptor
  /// The file that is to be published in it.
  let path: LakePath
  let store: FolderStore

  /// The pause between two tries doubles up to this.
  static let longestPause = Duration.milliseconds(100)
  static let firstPause = Duration.milliseconds(1)
  static let tellAfter = Duration.seconds(1)

  /// The lock. Where it is not released, it ends with the last reference to the folder's descriptor.
  struct Held: Sendable {
    fileprivate let folder: FileDescriptor
    fileprivate let turn: Permits.Pass

    func release() {
      flock(folder.number, LOCK_UN)
      turn.leave()
    }
  }

  /// Waits for the lock.
  ///
  /// Throws `LakeError.unavailable` when another process keeps it for too long, `CancellationError`.
  func acquire() async throws -> Held {
    let options = store.options
    let start = options.timer.now()
    let turn: Permits.Pass
    do {
      turn = try await store.publishers.permits(for: path).enter(within: options.lockLimit)
    } catch is Permits.Timeout {
      throw heldTooLong
    }
    var pause = Self.firstPause
    var isTold = false
    while try await !store.operations.run(attempt) {
      let waited = options.timer.now() - start
      guard waited < options.lockLimit else { throw heldTooLong }
      if !isTold, waited >= Self.tellAfter {
        isTold = true
        options.onLockWait(path, FolderLock.holder(of: folder))
      }
      try await options.timer.sleep(min(pause, options.lockLimit - waited))
      pause = min(pause * 2, Self.longestPause)
    }
    return Held(folder: folder, turn: turn)
  }

  private var heldTooLong: LakeError {
    .unavailable(
      path, operation: "locking its folder",
      reason: "\(FolderLock.holder(of: folder)) has held the lock of that folder (flock) for "
        + "\(store.options.lockLimit.components.seconds) s; end it, then try again")
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

/// The turns of this process's publishers in each folder of a store.
final class FolderPublishers: Sendable {
  /// By the folder's names. One for each folder that ever got a file: a few per database.
  private let folders = Mutex<[[String]: Permits]>([:])

  /// The turns in the folder of `path`.
  func permits(for path: LakePath) -> Permits {
    folders.withLock { folders in
      let folder = Array(path.components.dropLast())
      if let permits = folders[folder] { return permits }
      let permits = Permits(1)
      folders[folder] = permits
      return permits
    }
  }
}
