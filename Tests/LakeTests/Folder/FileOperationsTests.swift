import Foundation
import Glibc
import TestSupport
import Testing

@testable import Lake

/// File operations that do not come back: opening a named pipe for reading waits for a writer.
@Suite("File operations that hang") struct FileOperationsTests {
  private func withPipe(_ body: (_ pipe: String) async throws -> Void) async throws {
    let folder = try TemporaryDirectory("pipe")
    let pipe = folder.file("pipe")
    try #require(mkfifo(pipe, 0o600) == 0)
    try await body(pipe)
  }

  /// Lets everybody go who waits for a writer.
  private func release(_ pipe: String) {
    let number = open(pipe, O_WRONLY | O_NONBLOCK)
    if number >= 0 { close(number) }
  }

  @Test("A cancelled caller does not wait for an operation, and one that ends after all is undone")
  func cancelled() async throws {
    try await withPipe { pipe in
      let operations = FileOperations(place: "/lake")
      let begun = Count()
      let undone = Count()
      let task = Task {
        try await operations.run(undo: { (_: FileDescriptor) in undone.add() }) {
          begun.add()
          return try FileDescriptor.open(pipe, flags: O_RDONLY)
        }
      }
      try await eventually { begun.value == 1 }
      task.cancel()
      await #expect(throws: CancellationError.self) { _ = try await task.value }
      #expect(operations.abandonedCount == 1)
      #expect(undone.value == 0)
      try await eventually {
        release(pipe)
        return undone.value == 1
      }
      #expect(operations.abandonedCount == 0)
    }
  }

  @Test("Other operations continue beside stuck ones, until too many are stuck; then no further one starts")
  func many() async throws {
    try await withPipe { pipe in
      let operations = FileOperations(place: "/lake")
      let begun = Count()
      let tasks = (0..<FileOperations.maximumAbandoned).map { _ in
        Task {
          try await operations.run {
            begun.add()
            return try FileDescriptor.open(pipe, flags: O_RDONLY)
          } as FileDescriptor
        }
      }
      try await eventually { begun.value == tasks.count }
      #expect(try await operations.run { 7 } == 7)
      tasks.forEach { $0.cancel() }
      for task in tasks { _ = try? await task.value }
      let error = await lakeError { _ = try await operations.run { 7 } as Int }
      #expect(error?.code == "root_unavailable")
      #expect(error?.description.contains("does not answer") == true)
      #expect(try await operations.run(cleaningUp: true) { 7 } == 7)
      try await eventually {
        release(pipe)
        return operations.abandonedCount == 0
      }
      #expect(try await operations.run { 7 } == 7)
    }
  }

  @Test("An operation whose task was cancelled before does not start")
  func cancelledBefore() async throws {
    let operations = FileOperations(place: "/lake")
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await operations.run { () -> Void in Issue.record("it ran") }
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(operations.abandonedCount == 0)
  }
}
