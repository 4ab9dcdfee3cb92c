import Foundation
import Glibc
import Testing

@testable import Lake

@Suite("Readers of a folder") struct FolderReaderTests {
  private let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }

  private func withFile(_ body: (FolderStore, String) async throws -> Void) async throws {
    try await withLake { store, folder in
      try await store.writeAll(content, to: at("d/f"), temporary: at("t"), condition: .ifAbsent)
      try await body(store, folder)
    }
  }

  @Test("A file that is replaced while it is read is read to its end as it was")
  func replaced() async throws {
    try await withFile { store, _ in
      let reader = try await store.openReader(at("d/f"))
      var read = try await reader.read(maxBytes: 100)
      try await store.put("another", at: "d/f")
      while case let piece = try await reader.read(maxBytes: 40_000), !piece.isEmpty { read += piece }
      #expect(read == content)
      #expect(try await store.text(at: "d/f") == "another")
    }
  }

  @Test("A file that is cut short while it is read is an error")
  func cutShort() async throws {
    try await withFile { store, folder in
      let reader = try await store.openReader(at("d/f"))
      _ = try await reader.read(maxBytes: 100)
      #expect(truncate(folder + "/d/f", 200) == 0)
      #expect(await lakeError { _ = try await reader.read(maxBytes: 1000) } == .changed(at("d/f")))
    }
  }

  @Test("A file that is written in place while it is read is an error")
  func writtenInPlace() async throws {
    try await withFile { store, folder in
      let reader = try await store.openReader(at("d/f"))
      _ = try await reader.read(maxBytes: 100)
      // A time of its own, since the kernel's clock for files may not have moved on.
      let file = try FileDescriptor.open(folder + "/d/f", flags: O_WRONLY)
      try file.write([0xFF])
      var times = [timespec(tv_sec: 1_000_000, tv_nsec: 1), timespec(tv_sec: 1_000_000, tv_nsec: 1)]
      #expect(futimens(file.number, &times) == 0)
      #expect(await lakeError { _ = try await reader.read(maxBytes: 1000) } == .changed(at("d/f")))
    }
  }

  @Test("A named pipe is not a file, and opening it does not wait for a writer")
  func pipe() async throws {
    try await withFile { store, folder in
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      #expect(await lakeError { _ = try await store.openReader(at("pipe")) } == .notAFile(at("pipe")))
      #expect(await lakeError { _ = try await store.properties(of: at("pipe")) } == .notAFile(at("pipe")))
    }
  }
}
