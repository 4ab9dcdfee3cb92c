import Foundation
import Glibc
import TestSupport
import Testing

@testable import Lake

/// What the system refuses, met with real file systems.
@Suite("What a file system refuses", .serialized) struct FolderRefusalTests {
  @Test(
    "A full disk is an error that says so, and has room again after discard",
    .enabled(if: mayMount, "needs the right to mount a tmpfs"))
  func fullDisk() async throws {
    try await withLake(mounting: "size=1m") { store, folder in
      let writer = try await store.makeWriter(temporary: at("tmp/t"))
      let error = await lakeError {
        for _ in 0..<40 { try await writer.append([UInt8](repeating: 1, count: 100_000)) }
      }
      #expect(error == .noSpace(at("tmp/t")))
      #expect(error?.description.contains("full") == true)
      #expect(await lakeError { try await writer.append([1]) } == error, "the file stays failed")
      #expect(await lakeError { _ = try await writer.close() } == error)
      #expect(await lakeError { _ = try await writer.publish(as: at("a"), condition: .always) } == error)
      await writer.discard()
      #expect(contents(of: folder) == ["tmp"])
      try await store.writeAll(
        [UInt8](repeating: 2, count: 100_000), to: at("a"), temporary: at("tmp/t"), condition: .ifAbsent)
    }
  }

  @Test("A disk without free inodes gets no new names", .enabled(if: mayMount, "needs the right to mount a tmpfs"))
  func fullInodes() async throws {
    try await withLake(mounting: "nr_inodes=4") { store, folder in
      let error = await lakeError {
        for number in 0..<8 { _ = try await store.makeWriter(temporary: at("t\(number)")) }
      }
      #expect(error?.code == "no_space")
      #expect(contents(of: folder) == ["t0", "t1", "t2"])
    }
  }

  @Test(
    "A lake on a read-only disk can be read, and every write says why it fails",
    .enabled(if: mayMount, "needs the right to mount a tmpfs"))
  func readOnly() async throws {
    try await withLake(mounting: "size=1m") { store, folder in
      try await store.put("x", at: "a")
      let writer = try await store.closedWriter("y", at: "t")
      await writer.discard()
      try await remountReadOnly(folder)
      #expect(await lakeError { _ = try await store.makeWriter(temporary: at("t")) } == .readOnly(at("t")))
      #expect(await lakeError { _ = try await store.makeWriter(temporary: at("new/t")) } == .readOnly(at("new/t")))
      #expect(await lakeError { try await store.delete(at("a")) } == .readOnly(at("a")))
      #expect(try await store.text(at: "a") == "x")
      #expect(try await FolderStore(root: folder).properties(of: at("a"))?.length == 1)
      let error = await lakeError { _ = try await FolderStore(root: folder + "/new") }
      #expect(error?.code == "root_unavailable")
    }
  }

  @Test(
    "A folder without permission is an error that names the path",
    .enabled(if: geteuid() != 0, "nothing is forbidden to root"))
  func forbidden() async throws {
    try await withLake { store, folder in
      try await store.put("x", at: "d/f")
      #expect(chmod(folder + "/d", 0) == 0)
      #expect(await lakeError { _ = try await store.openReader(at("d/f")) }?.code == "permission_denied")
      #expect(await lakeError { _ = try await store.makeWriter(temporary: at("d/t")) }?.code == "permission_denied")
      #expect(await lakeError { try await store.delete(at("d/f")) }?.code == "permission_denied")
      #expect(chmod(folder + "/d", 0o700) == 0)
    }
  }

  @Test(
    "Each error of the system has its error of the lake",
    arguments: [
      (ENOENT, "not_found"), (EEXIST, "already_exists"), (EACCES, "permission_denied"), (EPERM, "permission_denied"),
      (ENOSPC, "no_space"), (EDQUOT, "no_space"), (EFBIG, "file_too_large"), (EROFS, "read_only"), (EIO, "io"),
    ])
  func systemErrors(number: CInt, code: String) throws {
    let error = SystemError(number: number).lakeError(at("a/b"), operation: "writing")
    #expect(error.code == code)
    #expect(error.description.hasPrefix("a/b: "))
  }

  @Test("Any other error of the system keeps the system's words")
  func otherErrors() throws {
    let error = SystemError(number: EIO).lakeError(at("a"), operation: "writing")
    #expect(error.description == "a: writing failed: Input/output error")
  }
}
