import Foundation
import Glibc
import TestSupport

/// Whether this process may mount file systems.
let mayMount: Bool = {
  let folder = NSTemporaryDirectory() + "mount-\(UUID().uuidString)"
  guard mkdir(folder, 0o700) == 0 else { return false }
  defer { rmdir(folder) }
  guard mount("tmpfs", folder, "tmpfs", 0, "size=64k") == 0 else { return false }
  return umount2(folder, 0) == 0
}()

/// Runs `body` while a tmpfs lies on `folder`.
func withTmpfs(on folder: String, _ options: String, _ body: () async throws -> Void) async throws {
  guard mount("tmpfs", folder, "tmpfs", 0, options) == 0 else { throw CommandFailure(description: "cannot mount") }
  // MNT_DETACH of sys/mount.h
  defer { umount2(folder, 2) }
  try await body()
}

/// Makes a mounted folder read-only.
func remountReadOnly(_ folder: String) throws {
  // MS_RDONLY, MS_REMOUNT of sys/mount.h
  guard mount("tmpfs", folder, "tmpfs", 1 | 32, nil) == 0 else { throw CommandFailure(description: "cannot remount") }
}
