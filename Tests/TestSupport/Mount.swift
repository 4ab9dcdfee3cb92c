import Foundation
import Glibc

/// Whether this process may mount file systems.
public let mayMount: Bool = {
  let folder = NSTemporaryDirectory() + "mount-\(UUID().uuidString)"
  guard mkdir(folder, 0o700) == 0 else { return false }
  defer { rmdir(folder) }
  guard mount("tmpfs", folder, "tmpfs", 0, "size=64k") == 0 else { return false }
  return umount2(folder, 0) == 0
}()

/// Makes a mounted folder read-only. A child process that another test starts has copies of all descriptors until it runs its
/// program; while one of them is open for writing, the system refuses (EBUSY).
public func remountReadOnly(_ folder: String) async throws {
  try await eventually {
    // MS_RDONLY, MS_REMOUNT of sys/mount.h
    if mount("tmpfs", folder, "tmpfs", 1 | 32, nil) == 0 { return true }
    guard errno == EBUSY else {
      throw CommandFailure(description: "cannot remount: \(String(cString: strerror(errno)))")
    }
    return false
  }
}
