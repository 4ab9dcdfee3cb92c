import Foundation
import Glibc
import TestSupport

/// Runs `body` while a tmpfs lies on `folder`.
func withTmpfs(on folder: String, _ options: String, _ body: () async throws -> Void) async throws {
  guard mount("tmpfs", folder, "tmpfs", 0, options) == 0 else { throw CommandFailure(description: "cannot mount") }
  // MNT_DETACH of sys/mount.h
  defer { umount2(folder, 2) }
  try await body()
}
