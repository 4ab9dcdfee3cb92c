import Foundation
import LakeEmulator
import Testing

@testable import Lake

@Suite("ADLS store")
struct ADLSStoreTests {
  @Test(
    "A file of any length comes back as it was, and its digest is right",
    arguments: [0, 1, 9_999, 10_000, 10_001, 45_678, 200_000])
  func roundTrip(length: Int) async throws {
    let lake = try EmulatedLake()
    let content = noise(length)
    let (entry, digest) = try await lake.store.write(content, to: "db/new/folder/a.csv.gz")
    #expect(digest == LakeFileDigest(length: length, sha256: SHA256Digest(of: content)))
    #expect(lake.content("db/new/folder/a.csv.gz") == content)
    #expect(try await lake.store.read("db/new/folder/a.csv.gz") == content)
    #expect(try await lake.store.properties(of: at("db/new/folder/a.csv.gz")) == entry)
    #expect(lake.files == ["root/db/new/folder/a.csv.gz"])
  }

  @Test("A lake may be the filesystem itself")
  func noRoot() async throws {
    let lake = try EmulatedLake(root: nil)
    try await lake.store.write([1, 2], to: "a")
    #expect(lake.files == ["a"])
    #expect(
      try await lake.store.listPage(under: nil, recursive: false, continuation: nil).entries.map(\.path.name) == [
        "a", "db",
      ])
  }

  @Test("Appends go out side by side, no more than were allowed, and each is checked on arrival")
  func parallelAppends() async throws {
    // A second try of a slow append would count as one more.
    let lake = try EmulatedLake {
      $0.appendsInFlight = 3
      $0.limits.stall = .seconds(60)
    }
    lake.emulator.setFaults([Fault(.slow, on: .append, bytesPerSecond: 20_000)])
    try await lake.store.write(noise(60_000), to: "a")
    #expect((2...3).contains(lake.emulator.journal().peakParallelAppends))
    #expect(lake.emulator.journal().operations[.append] == 6)
  }

  @Test("What publishing demands of the final name is kept, and both names stay as they were when it is not")
  func conditions() async throws {
    let lake = try EmulatedLake()
    let store = lake.store
    let (first, _) = try await store.write([1], to: "a")
    await #expect(throws: LakeError.alreadyExists(at("a"))) { try await store.write([2], to: "a") }
    await #expect(throws: LakeError.conditionNotMet(at("a"))) {
      try await store.write([2], to: "a", condition: .ifMatch("0x0"))
    }
    await #expect(throws: LakeError.conditionNotMet(at("b"))) {
      try await store.write([2], to: "b", condition: .ifMatch(first.etag))
    }
    #expect(lake.content("a") == [1])
    #expect(lake.files == ["root/a"])
    let (second, _) = try await store.write([2], to: "a", condition: .ifMatch(first.etag))
    #expect(lake.content("a") == [2])
    #expect(second.etag != first.etag)
    try await store.write([3], to: "a", condition: .always)
    #expect(lake.content("a") == [3])
  }

  @Test("A folder at the final name is not replaced")
  func folderInTheWay() async throws {
    let lake = try EmulatedLake()
    try await lake.store.write([1], to: "a/b")
    for condition in [LakePublishCondition.ifAbsent, .always] {
      await #expect(throws: LakeError.self) { try await lake.store.write([2], to: "a", condition: condition) }
    }
    await #expect(throws: LakeError.notAFolder(at("a/b"))) { try await lake.store.write([2], to: "a/b/c") }
    #expect(lake.files == ["root/a/b"])
  }

  @Test("A temporary path that somebody uses is left alone")
  func takenTemporary() async throws {
    let lake = try EmulatedLake()
    try await lake.store.write([1], to: "t")
    await #expect(throws: LakeError.alreadyExists(at("t"))) { _ = try await lake.store.makeWriter(temporary: at("t")) }
    #expect(lake.content("t") == [1])
  }

  @Test("Calls out of order are refused, and a discarded file is gone")
  func order() async throws {
    let lake = try EmulatedLake()
    let writer = try await lake.store.makeWriter(temporary: at("t"))
    await #expect(throws: LakeError.outOfOrder(at("t"), operation: "publish")) {
      _ = try await writer.publish(as: at("a"), condition: .always)
    }
    try await writer.append(noise(25_000))
    #expect(await writer.discard() == nil)
    await #expect(throws: LakeError.outOfOrder(at("t"), operation: "append")) { try await writer.append([1]) }
    #expect(lake.files.isEmpty)
    let reader = try await {
      try await lake.store.write([1], to: "a")
      return try await lake.store.openReader(at("a"))
    }()
    await reader.close()
    await #expect(throws: LakeError.outOfOrder(at("a"), operation: "read")) { _ = try await reader.read(maxBytes: 1) }
  }

  @Test("A cancelled upload ends at once and leaves nothing behind")
  func cancelled() async throws {
    let lake = try EmulatedLake { $0.limits.stall = .seconds(60) }
    lake.emulator.setFaults([Fault(.stall, on: .append)])
    let task = Task { try await lake.store.write(noise(200_000), to: "a") }
    while lake.emulator.journal().operations[.append] ?? 0 < 4 { try await Task.sleep(for: .milliseconds(5)) }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(lake.files.isEmpty)
  }

  @Test("Listings are whole over short and empty pages, in order, and say what is a folder")
  func listing() async throws {
    let lake = try EmulatedLake()
    let names = ["a", "b/1", "b/2", "b/c/3", "ä+ %", "z"]
    for name in names { try await lake.store.write(noise(name.utf8.count), to: name) }
    for name in names { try await lake.store.delete(at(name == "z" ? "db/_sluice/tmp" : "none/\(name)")) }
    try await lake.store.delete(at("db/_sluice"))
    try await lake.store.delete(at("db"))
    lake.emulator.setFaults([
      Fault(.shortPage, on: .list, .every(2), entries: 0), Fault(.shortPage, on: .list, .every(3), entries: 1),
    ])
    func list(_ folder: String?, recursive: Bool) async throws -> [String] {
      var found: [String] = []
      for try await entry in lake.store.list(under: folder.map(at), recursive: recursive) {
        found.append("\(entry.path)\(entry.isDirectory ? "/" : " \(entry.length)")")
      }
      return found
    }
    #expect(
      try await list(nil, recursive: true) == ["a 1", "b/", "b/1 3", "b/2 3", "b/c/", "b/c/3 5", "z 1", "ä+ % 5"])
    #expect(try await list(nil, recursive: false) == ["a 1", "b/", "z 1", "ä+ % 5"])
    #expect(try await list("b", recursive: false) == ["b/1 3", "b/2 3", "b/c/"])
    #expect(try await list("none", recursive: true) == [])
    await #expect(throws: LakeError.invalidContinuation) {
      _ = try await lake.store.listPage(under: nil, recursive: true, continuation: "made up")
    }
  }

  @Test("A listed ETag is the one of the file")
  func listedETag() async throws {
    let lake = try EmulatedLake()
    let (entry, _) = try await lake.store.write([1], to: "a")
    #expect(try await lake.store.listPage(under: nil, recursive: false, continuation: nil).entries.first == entry)
  }

  @Test("Removing is quiet about what is not there, and refuses a folder that holds something")
  func deleting() async throws {
    let lake = try EmulatedLake()
    try await lake.store.write([1], to: "a/b")
    try await lake.store.delete(at("a/none"))
    try await lake.store.delete(at("none/none"))
    await #expect(throws: LakeError.folderNotEmpty(at("a"))) { try await lake.store.delete(at("a")) }
    try await lake.store.delete(at("a/b"))
    try await lake.store.delete(at("a"))
    #expect(try await lake.store.properties(of: at("a")) == nil)
  }

  @Test("What can't be opened is told apart")
  func opening() async throws {
    let lake = try EmulatedLake()
    try await lake.store.write([1], to: "a/b")
    await #expect(throws: LakeError.notFound(at("none"))) { _ = try await lake.store.openReader(at("none")) }
    await #expect(throws: LakeError.notFound(at("a/b/c"))) { _ = try await lake.store.openReader(at("a/b/c")) }
    await #expect(throws: LakeError.notAFile(at("a"))) { _ = try await lake.store.openReader(at("a")) }
    await #expect(throws: LakeError.tooLarge(at("a/b"), limit: 0)) {
      _ = try await lake.store.readAll(at("a/b"), limit: 0)
    }
  }

  @Test("A filesystem that is not there is told as such")
  func noFilesystem() async throws {
    let emulator = try Emulator()
    let store = try EmulatedLake.store(emulator, .bearer(EmulatorTokens(emulator)))
    for error in [
      await lakeError { _ = try await store.makeWriter(temporary: at("t")) },
      await lakeError { _ = try await store.openReader(at("t")) },
      await lakeError { _ = try await store.listPage(under: nil, recursive: false, continuation: nil) },
    ] {
      #expect("\(error as Any)".contains("the account has no filesystem lake"), "\(error as Any)")
    }
  }
}
