import Foundation
import Glibc
import HTTPClient
import TestSupport
import Testing

@testable import Lake

/// A file system on which no write comes back, as of a network mount whose server is gone: an ext4 in a file, frozen.
@Suite("A frozen disk", .serialized) struct FrozenDiskTests {
  /// Root, with the programs and a loop device that this needs.
  static func isPossible() async -> Bool {
    guard geteuid() == 0 else { return false }
    return (try? await withDisk { _ in }) != nil
  }

  /// An ext4 at a folder of its own, thawed and unmounted afterwards.
  private static func withDisk(_ body: (_ folder: String) async throws -> Void) async throws {
    let directory = try TemporaryDirectory("disk")
    let (image, folder) = (directory.file("image"), directory.file("mount"))
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try await runChecked("/usr/bin/truncate", ["-s", "16M", image])
    try await runChecked("/usr/sbin/mkfs.ext4", ["-q", image])
    try await runChecked("/usr/bin/mount", ["-o", "loop", image, folder])
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(folder))
    } catch {
      result = .failure(error)
    }
    _ = try? await run("/usr/sbin/fsfreeze", ["--unfreeze", folder])
    try await runChecked("/usr/bin/umount", ["--lazy", folder])
    try result.get()
  }

  private func freeze(_ folder: String) async throws {
    try await runChecked("/usr/sbin/fsfreeze", ["--freeze", folder])
  }
  private func thaw(_ folder: String) async throws {
    try await runChecked("/usr/sbin/fsfreeze", ["--unfreeze", folder])
  }

  /// A clock in which a grace is over at once.
  private static let hurried = RetryTimer(now: { .zero }, sleep: { _ in }, random: { 0 })

  @Test(
    "A cancelled job waits for none of its file operations, and names what it could not remove",
    .enabled("needs root, a loop device and fsfreeze(8)") { await isPossible() })
  func cancelledJob() async throws {
    try await Self.withDisk { folder in
      let left = Count()
      var options = FolderOptions()
      options.onLeftover = { path in if path == at("db/u") { left.add() } }
      let store = try await FolderStore(root: folder, options: options)
      let started = Count()
      let job = Task {
        try await CancellationGrace.shared(timer: Self.hurried) { () -> LakePath? in
          let writer = try await store.makeWriter(temporary: at("db/t"))
          try await self.freeze(folder)
          do {
            started.add()
            for _ in 0..<1000 { try await writer.append([UInt8](repeating: 1, count: 100_000)) }
            Issue.record("a frozen disk took 100 MB")
          } catch is CancellationError {}
          return await writer.discard()
        }
      }
      let other = Task {
        try await eventually { started.value == 1 }
        started.add()
        _ = try await CancellationGrace.shared(timer: Self.hurried) {
          try await store.makeWriter(temporary: at("db/u"))
        }
      }
      try await eventually { started.value == 2 }
      // The disk can still be read.
      #expect(try await store.properties(of: at("db/t"))?.isDirectory == false)
      job.cancel()
      other.cancel()
      #expect(try await job.value == at("db/t"))
      await #expect(throws: CancellationError.self) { try await other.value }
      #expect(left.value == 1)
      try await thaw(folder)
      // What was under way comes to its end: the removal, and the file of the writer that nobody waits for.
      try await eventually {
        let left = try await store.listPage(under: at("db"), recursive: true, continuation: nil).entries
        return left.isEmpty && store.operations.abandonedCount == 0
      }
    }
  }

  @Test(
    "A rename that does not return is an error that says its outcome is unknown",
    .enabled("needs root, a loop device and fsfreeze(8)") { await isPossible() })
  func unknownRename() async throws {
    try await Self.withDisk { folder in
      let store = try await FolderStore(root: folder)
      try await store.put("old", at: "db/old")
      let writer = try await store.closedWriter("new", at: "db/t")
      try await freeze(folder)
      let job = Task {
        try await CancellationGrace.shared(timer: Self.hurried) {
          try await writer.publish(as: at("db/a"), condition: .ifAbsent)
        }
      }
      // Its last operation, the rename, stands when the lock on the folder is taken.
      let file = try FileDescriptor.open(folder + "/db", flags: O_RDONLY | O_DIRECTORY)
      try await eventually {
        guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else { return true }
        flock(file.number, LOCK_UN)
        return false
      }
      job.cancel()
      let error = await lakeError { _ = try await job.value }
      #expect(error?.code == "outcome_unknown", "\(error as Any)")
      try await thaw(folder)
      try await eventually { try await store.properties(of: at("db/a")) != nil }
    }
  }
}
