import Foundation
import Glibc
import Synchronization
import Testing

@testable import Lake

@Suite struct FolderListTests {
  private func names(_ store: FolderStore, under folder: String? = nil, recursive: Bool = true) async throws -> [String]
  {
    var names: [String] = []
    let path = folder.map { at($0) }
    for try await entry in store.list(under: path, recursive: recursive) {
      names.append(entry.path.description + (entry.isDirectory ? "/" : ""))
    }
    return names
  }

  @Test(arguments: [1, 2, 3, 5, 1000])
  func pagesOfAnySizeGiveTheSameOrder(pageSize: Int) async throws {
    try await withLake(pageSize: pageSize) { store, folder in
      let files = ["a-b", "a/x", "a/y/z", "a/y.1", "a.1", "B", "b/c/d/e", "é", "z", "_s/tmp/1"]
      for file in files {
        let full = URL(fileURLWithPath: folder + "/" + file)
        try FileManager.default.createDirectory(at: full.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.utf8).write(to: full)
      }
      try FileManager.default.createDirectory(atPath: folder + "/a/empty", withIntermediateDirectories: true)
      let all = [
        "B", "_s/", "_s/tmp/", "_s/tmp/1", "a/", "a/empty/", "a/x", "a/y/", "a/y/z", "a/y.1", "a-b", "a.1", "b/",
        "b/c/",
        "b/c/d/", "b/c/d/e", "z", "é",
      ]
      #expect(try await names(store) == all)
      #expect(try await names(store, recursive: false) == ["B", "_s/", "a/", "a-b", "a.1", "b/", "z", "é"])
      #expect(try await names(store, under: "a") == ["a/empty/", "a/x", "a/y/", "a/y/z", "a/y.1"])
      #expect(try await names(store, under: "a", recursive: false) == ["a/empty/", "a/x", "a/y/", "a/y.1"])
      #expect(try await names(store, under: "b/c") == ["b/c/d/", "b/c/d/e"])
    }
  }

  @Test func whatIsNotThereIsEmpty() async throws {
    try await withLake { store, _ in
      try await store.put("x", at: "f")
      for folder in ["none", "no/ne", "f", "f/x"] { #expect(try await names(store, under: folder) == []) }
      try await store.delete(at("f"))
      try await store.delete(at("_put"))
      #expect(try await names(store) == [])
    }
  }

  @Test func noPageIsLargerThanItsSize() async throws {
    try await withLake(pageSize: 7) { store, folder in
      for number in 0..<100 { try Data().write(to: URL(fileURLWithPath: "\(folder)/n\(number)")) }
      var continuation: String?
      var seen: [String] = []
      repeat {
        let page = try await store.listPage(under: nil, recursive: true, continuation: continuation)
        #expect(page.entries.count <= 7)
        seen += page.entries.map(\.path.description)
        continuation = page.continuation
      } while continuation != nil
      #expect(seen == (0..<100).map { "n\($0)" }.sorted())
    }
  }

  @Test func entriesTellLengthAndTime() async throws {
    try await withLake { store, _ in
      let put = try await store.put("12345", at: "f")
      var listed: [LakeEntry] = []
      for try await entry in store.list(under: nil, recursive: false) where !entry.isDirectory { listed.append(entry) }
      #expect(listed == [put])
    }
  }

  @Test func whatVanishesBetweenPagesIsNoError() async throws {
    try await withLake(pageSize: 2) { store, _ in
      for name in ["a/1", "a/2", "a/3", "b"] { try await store.put("x", at: name) }
      try await store.delete(at("_put"))
      let page = try await store.listPage(under: nil, recursive: true, continuation: nil)
      #expect(page.entries.map(\.path.description) == ["a", "a/1"])
      for name in ["a/1", "a/2", "a/3", "a"] { try await store.delete(at(name)) }
      let rest = try await store.listPage(under: nil, recursive: true, continuation: page.continuation)
      #expect(rest.entries.map(\.path.description) == ["b"])
      #expect(rest.continuation == nil)
    }
  }

  @Test(arguments: ["/etc", "..", "b/1", "", "a"])
  func aContinuationFromElsewhereIsRefused(continuation: String) async throws {
    try await withLake { store, _ in
      let error = await lakeError {
        _ = try await store.listPage(under: at("a"), recursive: true, continuation: continuation)
      }
      #expect(error == .invalidContinuation)
    }
  }

  @Test func pipesAndForeignNamesAreLeftOut() async throws {
    try await withLake { store, folder in
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      #expect(creat(folder + "/back\\slash", 0o600) >= 0)
      try await store.put("x", at: "f")
      try await store.delete(at("_put"))
      #expect(try await names(store) == ["f"])
    }
  }

  @Test("A symbolic link is passed over and told once; what is asked for through it is refused")
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
