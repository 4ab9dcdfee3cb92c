import Foundation
import Glibc
import Synchronization
import Testing

@testable import Lake

@Suite("Listings of a folder") struct FolderListTests {
  private func names(_ store: FolderStore, under folder: String? = nil, recursive: Bool = true) async throws -> [String]
  {
    var names: [String] = []
    let path = folder.map { at($0) }
    for try await entry in store.list(under: path, recursive: recursive) {
      names.append(entry.path.description + (entry.isDirectory ? "/" : ""))
    }
    return names
  }

  @Test("A file in the place of a folder holds nothing")
  func fileAsFolder() async throws {
    try await withLake { store, _ in
      try await store.put("x", at: "f")
      #expect(try await names(store, under: "f") == [])
    }
  }

  @Test("A continuation of another listing is refused", arguments: ["/etc", "..", "b/1", "", "a"])
  func foreignContinuation(continuation: String) async throws {
    try await withLake { store, _ in
      let error = await lakeError {
        _ = try await store.listPage(under: at("a"), recursive: true, continuation: continuation)
      }
      #expect(error == .invalidContinuation)
    }
  }

  @Test("Pipes, and names that no path can hold, are left out of a listing")
  func foreignNames() async throws {
    try await withLake { store, folder in
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      #expect(creat(folder + "/back\\slash", 0o600) >= 0)
      try await store.put("x", at: "f")
      try await store.delete(at("_put"))
      #expect(try await names(store) == ["f"])
    }
  }

  @Test("A listing passes over a symbolic link and reports it once; a path through it is refused")
  func strayLinks() async throws {
    let links = Mutex<[LakePath]>([])
    var options = FolderOptions()
    options.onStrayLink = { path in links.withLock { $0.append(path) } }
    try await withLake(pageSize: 2, options: options) { store, folder in
      for name in ["d/a", "d/z"] { try await store.put("x", at: name) }
      try await store.delete(at("_put"))
      #expect(symlink("/etc", folder + "/d/README") == 0)
      #expect(symlink("a", folder + "/d/near") == 0)
      #expect(symlink("/nowhere", folder + "/link") == 0)
      for _ in 0..<2 {
        #expect(try await names(store) == ["d/", "d/a", "d/z"])
        #expect(try await names(store, under: "d", recursive: false) == ["d/a", "d/z"])
      }
      #expect(links.withLock { $0 } == [at("d/README"), at("d/near"), at("link")])
      #expect(await lakeError { _ = try await names(store, under: "link") } == .escapesRoot(at("link")))
      #expect(await lakeError { _ = try await names(store, under: "d/README") } == .escapesRoot(at("d/README")))
      #expect(await lakeError { _ = try await store.openReader(at("d/near")) } == .escapesRoot(at("d/near")))
    }
  }
}
