import Foundation
import Glibc
import HTTPClient
import Synchronization
import TestSupport
import Testing

@testable import Lake

/// The lock on a folder of the lake, held by another process.
@Suite("Folder lock") struct FolderLockTests {
  /// A lake whose folder `db` another process keeps locked until the body ends.
  private func withLockedLake(
    _ options: FolderOptions, _ body: (FolderStore, _ folder: String, _ holder: ChildProcess) async throws -> Void
  ) async throws {
    try await withLake(options: options) { store, folder in
      try await store.put("x", at: "db/old")
      try await store.delete(at("_put"))
      let directory = try TemporaryDirectory("lock")
      let marker = directory.file("taken")
      let holder = try ChildProcess(
        "/usr/bin/flock", ["--no-fork", folder + "/db", "/bin/sh", "-c", "touch '\(marker)'; exec sleep 600"])
      defer { kill(holder.pid, SIGKILL) }
      try await eventually { FileManager.default.fileExists(atPath: marker) }
      try await body(store, folder, holder)
      withExtendedLifetime(directory) {}
    }
  }

  /// A clock that a wait moves on at once.
  private func clock() -> RetryTimer {
    let now = Passed()
    return RetryTimer(
      now: { now.time.withLock { $0 } }, sleep: { wait in now.time.withLock { $0 += wait } }, random: { 0 })
  }

  private final class Passed: Sendable {
    let time = Mutex(Duration.zero)
  }

  @Test("Waiting for the lock has an end, is reported once, and names the process that holds it")
  func limit() async throws {
    let told = Mutex<[String]>([])
    var options = FolderOptions()
    options.timer = clock()
    options.onLockWait = { path, holder in told.withLock { $0.append("\(path): \(holder)") } }
    try await withLockedLake(options) { store, folder, holder in
      let writer = try await store.closedWriter("new", at: "db/t")
      let error = await lakeError { _ = try await writer.publish(as: at("db/a"), condition: .ifAbsent) }
      guard case .unavailable(at("db/a"), _, let reason) = error else {
        Issue.record("\(error as Any)")
        return
      }
      #expect(reason.contains("process \(holder.pid) has held"), "\(reason)")
      #expect(reason.contains("60 s"))
      #expect(told.withLock { $0 } == ["db/a: process \(holder.pid)"])
      #expect(await writer.discard() == nil)
      #expect(contents(of: folder) == ["db", "db/old"])
    }
  }

  @Test("A publisher continues when the lock is released")
  func release() async throws {
    try await withLockedLake(FolderOptions()) { store, folder, holder in
      let writer = try await store.closedWriter("new", at: "db/t")
      let publishing = Task { try await writer.publish(as: at("db/a"), condition: .ifAbsent) }
      kill(holder.pid, SIGKILL)
      #expect(try await publishing.value.path == at("db/a"))
      #expect(contents(of: folder) == ["db", "db/a", "db/old"])
    }
  }

  @Test("Publishers of one process take turns and do not poll for each other's lock")
  func turns() async throws {
    let pauses = Mutex(0)
    var options = FolderOptions()
    options.timer = RetryTimer(
      now: { .zero }, sleep: { _ in pauses.withLock { $0 += 1 } }, random: { 0 })
    try await withLake(options: options) { store, folder in
      try await withThrowingTaskGroup { group in
        for number in 0..<50 {
          group.addTask {
            let writer = try await store.closedWriter("x", at: "t/\(number)")
            _ = try await writer.publish(as: at("db/\(number)"), condition: .ifAbsent)
          }
        }
        try await group.waitForAll()
      }
      #expect(contents(of: folder).count == 52)
    }
    #expect(pauses.withLock { $0 } == 0)
  }

  @Test("A publisher that waits for its turn behind another process's lock has the same time limit")
  func turnLimit() async throws {
    var options = FolderOptions()
    options.lockLimit = .milliseconds(200)
    try await withLockedLake(options) { store, folder, holder in
      let writers = [try await store.closedWriter("1", at: "db/t1"), try await store.closedWriter("2", at: "db/t2")]
      let errors = await withTaskGroup { group in
        for writer in writers {
          group.addTask { await lakeError { _ = try await writer.publish(as: at("db/a"), condition: .ifAbsent) } }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      for error in errors {
        guard case .unavailable(at("db/a"), _, let reason) = error else {
          Issue.record("\(error as Any)")
          continue
        }
        #expect(reason.contains("process \(holder.pid) has held"), "\(reason)")
      }
      for writer in writers { #expect(await writer.discard() == nil) }
      #expect(contents(of: folder) == ["db", "db/old"])
    }
  }

  @Test("A cancelled publisher stops waiting, and its temporary file is removed")
  func cancelled() async throws {
    let isTold = Mutex(false)
    var options = FolderOptions()
    options.onLockWait = { _, _ in isTold.withLock { $0 = true } }
    // Long enough that the test would fail by its own time if the cancellation were not seen.
    options.lockLimit = .seconds(3600)
    try await withLockedLake(options) { store, folder, _ in
      let writer = try await store.closedWriter("new", at: "db/t")
      let publishing = Task { try await writer.publish(as: at("db/a"), condition: .ifAbsent) }
      try await eventually { isTold.withLock { $0 } }
      publishing.cancel()
      await #expect(throws: CancellationError.self) { _ = try await publishing.value }
      #expect(await writer.discard() == nil)
      #expect(contents(of: folder) == ["db", "db/old"])
    }
  }
}
