import Foundation
import Glibc
import Testing

@testable import Lake

@Suite("Symbolic links out of the lake") struct FolderEscapeTests {
  /// A lake beside a folder that is none of its business, with links to it in every position.
  private func withLinks(_ body: (FolderStore, _ outside: String) async throws -> Void) async throws {
    try await withLake { _, folder in
      let outside = folder + "/outside"
      let store = try await FolderStore(root: folder + "/lake", creating: true)
      try FileManager.default.createDirectory(atPath: outside + "/sub", withIntermediateDirectories: true)
      try Data("private".utf8).write(to: URL(fileURLWithPath: outside + "/file"))
      try await store.put("inside", at: "d/real")
      #expect(symlink(outside, folder + "/lake/link") == 0)
      #expect(symlink("../outside", folder + "/lake/relative") == 0)
      #expect(symlink(outside + "/file", folder + "/lake/d/file") == 0)
      #expect(symlink(outside + "/nothing", folder + "/lake/d/dangling") == 0)
      #expect(symlink("real", folder + "/lake/d/near") == 0)
      #expect(symlink(outside + "/sub", folder + "/lake/d/sub") == 0)
      try await body(store, outside)
      #expect(contents(of: outside) == ["file", "sub"])
      #expect(try bytes(outside + "/file") == Array("private".utf8))
    }
  }

  @Test(
    "No path leads through a symbolic link",
    arguments: [
      "link/file", "relative/file", "d/file", "d/dangling", "d/near", "d/sub", "d/sub/x", "link/sub/x", "link",
    ])
  func throughLink(path: String) async throws {
    try await withLinks { store, _ in
      let refused = LakeError.escapesRoot(at(path))
      #expect(await lakeError { _ = try await store.openReader(at(path)) } == refused)
      #expect(await lakeError { _ = try await store.properties(of: at(path)) } == refused)
      #expect(await lakeError { try await store.delete(at(path)) } == refused)
      for condition in [LakePublishCondition.always, .ifMatch("x")] {
        let error = await lakeError {
          try await store.writeAll([1], to: at(path), temporary: at("t"), condition: condition)
        }
        #expect(error == refused)
      }
    }
  }

  @Test(
    "No file is made behind a symbolic link", arguments: ["link/new", "relative/new", "d/sub/new", "link/new/deep"])
  func behindLink(path: String) async throws {
    try await withLinks { store, _ in
      #expect(await lakeError { _ = try await store.makeWriter(temporary: at(path)) } == .escapesRoot(at(path)))
      let error = await lakeError {
        try await store.writeAll([1], to: at(path), temporary: at("t"), condition: .ifAbsent)
      }
      #expect(error == .escapesRoot(at(path)))
    }
  }

  @Test("No temporary file is written through a symbolic link", arguments: ["d/file", "d/dangling", "link"])
  func temporaryLink(path: String) async throws {
    try await withLinks { store, _ in
      #expect(await lakeError { _ = try await store.makeWriter(temporary: at(path)) } == .alreadyExists(at(path)))
    }
  }

  @Test("The root itself may be a symbolic link")
  func rootLink() async throws {
    try await withLake { _, folder in
      try FileManager.default.createDirectory(atPath: folder + "/real", withIntermediateDirectories: true)
      #expect(symlink("real", folder + "/lake") == 0)
      let store = try await FolderStore(root: folder + "/lake")
      try await store.put("x", at: "a/f")
      #expect(try bytes(folder + "/real/a/f") == Array("x".utf8))
      #expect(try await store.text(at: "a/f") == "x")
    }
  }
}
