import Foundation
import Glibc
import Testing

@testable import Lake

@Suite struct FolderStoreTests {
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

  @Test func aMissingRootIsMadeWithItsParentsWhereThatIsAskedFor() async throws {
    try await withLake { _, folder in
      let store = try await FolderStore(root: folder + "/a/./b//c", creating: true)
      #expect(contents(of: folder) == ["a", "a/b", "a/b/c"])
      #expect(store.displayURL == "file://\(folder)/a/b/c")
      try await store.put("x", at: "f")
      #expect(try bytes(folder + "/a/b/c/f") == Array("x".utf8))
    }
  }

  @Test func aRootThatIsNoFolderIsRefused() async throws {
    try await withLake { store, folder in
      try await store.put("x", at: "f")
      for root in ["/f", "/f/below"] {
        let error = await lakeError { _ = try await FolderStore(root: folder + root) }
        #expect(error?.code == "root_unavailable")
        #expect(error?.description.contains(folder + root) == true)
      }
    }
  }

  @Test func aRootThatWentAwayIsAnErrorAndNotAnEmptyLake() async throws {
    try await withLake { store, folder in
      #expect(rmdir(folder) == 0)
      #expect(await lakeError { _ = try await store.properties(of: at("a")) }?.code == "root_unavailable")
      #expect(
        await lakeError { for try await _ in store.list(under: nil, recursive: true) {} }?.code == "root_unavailable")
      #expect(await lakeError { try await store.delete(at("a")) }?.code == "root_unavailable")
      #expect(await lakeError { _ = try await store.makeWriter(temporary: at("t")) }?.code == "root_unavailable")
    }
  }

  @Test func propertiesTellFilesFromFoldersAndNothing() async throws {
    try await withLake { store, _ in
      try await store.put("four", at: "d/f")
      let file = try #require(try await store.properties(of: at("d/f")))
      #expect(file.length == 4 && !file.isDirectory && file.path == (at("d/f")))
      let folder = try #require(try await store.properties(of: at("d")))
      #expect(folder.isDirectory && folder.length == 0)
      for absent in ["x", "d/x", "x/y/z", "d/f/x"] { #expect(try await store.properties(of: at(absent)) == nil) }
    }
  }

  @Test func deletingIsDoneWhenNothingIsThere() async throws {
    try await withLake { store, folder in
      try await store.put("x", at: "d/f")
      for path in ["none", "no/ne", "d/f/below", "d/f", "d/f"] { try await store.delete(at(path)) }
      #expect(contents(of: folder) == ["_put", "d"])
      try await store.put("x", at: "d/f")
      #expect(await lakeError { try await store.delete(at("d")) } == .folderNotEmpty(at("d")))
      try await store.delete(at("d/f"))
      try await store.delete(at("d"))
      #expect(contents(of: folder) == ["_put"])
    }
  }

  @Test func aSmallFileIsReadAndWrittenWhole() async throws {
    try await withLake { store, folder in
      try await store.writeAll([1, 2, 3], to: at("m.json"), temporary: at("t"), condition: .ifAbsent)
      #expect(try await store.readAll(at("m.json"), limit: 3) == [1, 2, 3])
      #expect(
        await lakeError { _ = try await store.readAll(at("m.json"), limit: 2) } == .tooLarge(at("m.json"), limit: 2)
      )
      let refused = await lakeError {
        try await store.writeAll([4], to: at("m.json"), temporary: at("t"), condition: .ifAbsent)
      }
      #expect(refused == .alreadyExists(at("m.json")))
      #expect(contents(of: folder) == ["m.json"], "a refused file leaves nothing behind")
    }
  }
}
