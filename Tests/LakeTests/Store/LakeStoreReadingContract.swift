import Testing

@testable import Lake

/// What ``LakeStoreContract`` says of reading, listing and removing.
@Suite("The contract of a lake's store: reading and listing")
struct LakeStoreReadingContract {
  @Test("The root is asked for whatever it holds", arguments: ContractStore.all)
  func probe(kind: ContractStore) async throws {
    let lake = try await kind.open()
    try await lake.store.probe()
    for name in ["a", "b", "c"] { try await lake.store.write(noise(10), to: name) }
    try await lake.store.probe()
  }

  @Test("A reader gives pieces of the size asked for at most, and its end stays the end", arguments: ContractStore.all)
  func pieces(kind: ContractStore) async throws {
    let lake = try await kind.open()
    let content = noise(70_000)
    try await lake.store.write(content, to: "d/f")
    for maxBytes in [1_000, 65_536, 1 << 30] {
      let reader = try await lake.store.openReader(at("d/f"))
      #expect(reader.entry == (try await lake.store.properties(of: at("d/f"))))
      var read: [UInt8] = []
      while case let piece = try await reader.read(maxBytes: maxBytes), !piece.isEmpty {
        #expect(piece.count <= maxBytes)
        read += piece
      }
      #expect(read == content)
      #expect(try await reader.read(maxBytes: 10) == [])
      await reader.close()
    }
  }

  @Test(
    "A file that is replaced or removed while it is read is given as it was, or is an error, never a mixture",
    arguments: ContractStore.all, [true, false])
  func replaced(kind: ContractStore, isReplaced: Bool) async throws {
    let lake = try await kind.open()
    let content = noise(200_000, seed: 1)
    try await lake.store.write(content, to: "a")
    let reader = try await lake.store.openReader(at("a"))
    var read = try await reader.read(maxBytes: 5_000)
    if isReplaced {
      try await lake.store.write(noise(200_000, seed: 2), to: "a", condition: .always)
    } else {
      try await lake.store.delete(at("a"))
    }
    do {
      while case let piece = try await reader.read(maxBytes: 15_000), !piece.isEmpty { read += piece }
      #expect(read == content)
    } catch {
      #expect(error as? LakeError == .changed(at("a")))
      #expect(read == Array(content[..<read.count]))
    }
    await reader.close()
    if isReplaced { #expect(try await lake.store.read("a") == noise(200_000, seed: 2)) }
  }

  @Test("What can't be opened has an error of its own: nothing there, or not a file", arguments: ContractStore.all)
  func opening(kind: ContractStore) async throws {
    let lake = try await kind.open()
    try await lake.store.write([1], to: "d/f")
    for path in ["none", "no/ne", "d/f/x"] {
      await #expect(throws: LakeError.notFound(at(path))) { _ = try await lake.store.openReader(at(path)) }
    }
    await #expect(throws: LakeError.notAFile(at("d"))) { _ = try await lake.store.openReader(at("d")) }
  }

  @Test("A closed reader reads no more", arguments: ContractStore.all)
  func closed(kind: ContractStore) async throws {
    let lake = try await kind.open()
    try await lake.store.write([1], to: "a")
    let reader = try await lake.store.openReader(at("a"))
    await reader.close()
    await reader.close()
    await #expect(throws: LakeError.outOfOrder(at("a"), operation: "reading")) { try await reader.read(maxBytes: 1) }
  }

  @Test("A cancelled task reads, lists and removes nothing", arguments: ContractStore.all)
  func cancelled(kind: ContractStore) async throws {
    let lake = try await kind.open()
    try await lake.store.write([1], to: "a")
    let store = lake.store
    let reader = try await store.openReader(at("a"))
    await Task {
      withUnsafeCurrentTask { $0?.cancel() }
      await #expect(throws: CancellationError.self) { try await reader.read(maxBytes: 1) }
      await #expect(throws: CancellationError.self) { try await store.openReader(at("a")) }
      await #expect(throws: CancellationError.self) { try await store.properties(of: at("a")) }
      await #expect(throws: CancellationError.self) {
        try await store.listPage(under: nil, recursive: true, continuation: nil)
      }
      await #expect(throws: CancellationError.self) { try await store.delete(at("a")) }
      await #expect(throws: CancellationError.self) { try await store.makeWriter(temporary: at("t")) }
    }.value
    #expect(lake.files() == ["a"])
    await reader.close()
  }

  @Test("Properties tell files from folders and from nothing", arguments: ContractStore.all)
  func properties(kind: ContractStore) async throws {
    let lake = try await kind.open()
    let (entry, _) = try await lake.store.write(noise(4), to: "d/f")
    #expect(try await lake.store.properties(of: at("d/f")) == entry)
    let folder = try #require(try await lake.store.properties(of: at("d")))
    #expect(folder.isDirectory && folder.length == 0 && folder.path == at("d"))
    for absent in ["x", "d/x", "x/y/z", "d/f/x"] { #expect(try await lake.store.properties(of: at(absent)) == nil) }
  }

  @Test(
    "Removing is done when nothing is there, and refuses a folder that holds something", arguments: ContractStore.all)
  func deleting(kind: ContractStore) async throws {
    let lake = try await kind.open()
    try await lake.make("d/f")
    for path in ["none", "no/ne", "d/f/below"] { try await lake.store.delete(at(path)) }
    await #expect(throws: LakeError.folderNotEmpty(at("d"))) { try await lake.store.delete(at("d")) }
    #expect(lake.files() == ["d/f"])
    for _ in 0..<2 { try await lake.store.delete(at("d/f")) }
    #expect(lake.files().isEmpty)
    try await lake.store.delete(at("d"))
    #expect(try await lake.list() == [])
  }

  @Test("Pages of any size give all entries in the same order", arguments: ContractStore.all, [1, 2, 3, 5, 1000])
  func pages(kind: ContractStore, size: Int) async throws {
    let lake = try await kind.open(pageSize: size)
    try await lake.make("a-b", "a/x", "a/y/z", "a/y.1", "a.1", "B", "b/c/d/e", "é", "z", "_s/tmp/1", "a/empty/f")
    try await lake.store.delete(at("a/empty/f"))
    #expect(try await lake.list(under: "a") == ["a/empty/", "a/x", "a/y/", "a/y/z", "a/y.1"])
    #expect(try await lake.list(under: "a", recursive: false) == ["a/empty/", "a/x", "a/y/", "a/y.1"])
    #expect(try await lake.list(under: "b/c") == ["b/c/d/", "b/c/d/e"])
    #expect(try await lake.list(recursive: false) == ["B", "_s/", "a/", "a-b", "a.1", "b/", "z", "é"])
    #expect(
      try await lake.list() == [
        "B", "_s/", "_s/tmp/", "_s/tmp/1", "a/", "a/empty/", "a/x", "a/y/", "a/y/z", "a/y.1", "a-b", "a.1", "b/",
        "b/c/", "b/c/d/", "b/c/d/e", "z", "é",
      ])
  }

  @Test("No page is larger than its size, and none gives an entry twice", arguments: ContractStore.all)
  func pageSize(kind: ContractStore) async throws {
    let lake = try await kind.open(pageSize: 7)
    for number in 10..<40 { try await lake.make("n\(number)") }
    var continuation: String?
    var seen: [String] = []
    repeat {
      let page = try await lake.store.listPage(under: nil, recursive: true, continuation: continuation)
      #expect(page.entries.count <= 7)
      seen += page.entries.map(\.path.description)
      continuation = page.continuation
    } while continuation != nil
    #expect(seen == (10..<40).map { "n\($0)" })
  }

  @Test("A listed file has the same entry as its properties give", arguments: ContractStore.all)
  func listedEntry(kind: ContractStore) async throws {
    let lake = try await kind.open()
    let entry = try await lake.store.writeAll([1, 2], to: at("a"), temporary: at("t"), condition: .ifAbsent)
    #expect(try await lake.store.listPage(under: nil, recursive: false, continuation: nil).entries == [entry])
  }

  @Test("A folder that does not exist is empty", arguments: ContractStore.all)
  func absentFolder(kind: ContractStore) async throws {
    let lake = try await kind.open()
    #expect(try await lake.list() == [])
    try await lake.make("f")
    for folder in ["none", "no/ne", "f/x"] { #expect(try await lake.list(under: folder) == []) }
  }

  @Test("What is removed between two pages is not an error", arguments: ContractStore.all)
  func vanished(kind: ContractStore) async throws {
    let lake = try await kind.open(pageSize: 2)
    try await lake.make("a/1", "a/2", "a/3", "b")
    let page = try await lake.store.listPage(under: nil, recursive: true, continuation: nil)
    #expect(page.entries.map(\.path.description) == ["a", "a/1"])
    for name in ["a/1", "a/2", "a/3", "a"] { try await lake.store.delete(at(name)) }
    let rest = try await lake.store.listPage(under: nil, recursive: true, continuation: page.continuation)
    #expect(rest.entries.map(\.path.description) == ["b"])
    #expect(rest.continuation == nil)
  }

  @Test(
    "A name of odd characters is one name, which is written, listed, read and removed", arguments: ContractStore.all,
    [
      "a b", "a+b", "50%", "%41", "%2F", "a?b=c&d", "a#b", "a;b,c", "'\"`$(x)", "[a]{b}|^~", "é", "e\u{301}", "日本",
      "\u{202E}x", "...", "-a", "a:b", "a=b", "@a!", "CON", "x.csv.gz",
    ])
  func oddNames(kind: ContractStore, name: String) async throws {
    let lake = try await kind.open()
    let path = "d \(name)/\(name)"
    let (entry, _) = try await lake.store.write(noise(20), to: path)
    #expect(lake.content(path) == noise(20))
    #expect(try await lake.store.properties(of: at(path)) == entry)
    #expect(
      try await lake.store.listPage(under: at("d \(name)"), recursive: true, continuation: nil).entries == [entry])
    #expect(try await lake.store.read(path) == noise(20))
    let (replaced, _) = try await lake.store.write([1], to: path, condition: .ifMatch(entry.etag))
    #expect(replaced.etag != entry.etag)
    try await lake.store.delete(at(path))
    #expect(lake.files().isEmpty)
  }
}
