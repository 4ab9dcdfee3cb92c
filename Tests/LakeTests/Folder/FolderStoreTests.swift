import Foundation
import Glibc
import Testing

@testable import Lake

@Suite("A lake in a folder") struct FolderStoreTests {
  @Test("A root that is missing is an error that says how it is made, and nothing is made")
  func missingRoot() async throws {
    try await withLake { _, folder in
      let error = await lakeError { _ = try await FolderStore(root: folder + "/a/b") }
      #expect(error?.code == "root_unavailable")
      #expect(error?.description.contains("sluice init") == true)
      #expect(contents(of: folder) == [])
    }
  }

  @Test("Making a root makes its parents, tells whether it was missing, and leaves one that is there alone")
  func makingARoot() async throws {
    try await withLake { _, folder in
      #expect(try await FolderStore.make(root: folder + "/a/b"))
      let store = try await FolderStore(root: folder + "/a/b")
      try await store.put("x", at: "f")
      #expect(try await !FolderStore.make(root: folder + "/a/b"))
      #expect(try await store.text(at: "f") == "x")
    }
  }

  @Test("A missing root is made with its parents where that is asked for")
  func createdRoot() async throws {
    try await withLake { _, folder in
      let store = try await FolderStore(root: folder + "/a/./b//c", creating: true)
      #expect(contents(of: folder) == ["a", "a/b", "a/b/c"])
      #expect(store.displayURL == "file://\(folder)/a/b/c")
      try await store.put("x", at: "f")
      #expect(try bytes(folder + "/a/b/c/f") == Array("x".utf8))
    }
  }

  @Test("A root that is not a folder is refused")
  func rootIsFile() async throws {
    try await withLake { store, folder in
      try await store.put("x", at: "f")
      for root in ["/f", "/f/below"] {
        let error = await lakeError { _ = try await FolderStore(root: folder + root) }
        #expect(error?.code == "root_unavailable")
        #expect(error?.description.contains(folder + root) == true)
      }
    }
  }

  @Test("A root that has disappeared is an error, and not an empty lake")
  func vanishedRoot() async throws {
    try await withLake { store, folder in
      #expect(rmdir(folder) == 0)
      #expect(await lakeError { _ = try await store.properties(of: at("a")) }?.code == "root_unavailable")
      #expect(
        await lakeError { for try await _ in store.list(under: nil, recursive: true) {} }?.code == "root_unavailable")
      #expect(await lakeError { try await store.delete(at("a")) }?.code == "root_unavailable")
      #expect(await lakeError { _ = try await store.makeWriter(temporary: at("t")) }?.code == "root_unavailable")
    }
  }
}
