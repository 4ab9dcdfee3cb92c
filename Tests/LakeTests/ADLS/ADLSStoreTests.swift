import Foundation
import HTTPClient
import LakeEmulator
import TestSupport
import Testing

@testable import Lake

@Suite("ADLS store")
struct ADLSStoreTests {
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

  @Test("Appends run in parallel, as many as are allowed at most, and the service checks each")
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

  @Test("A cancelled upload ends at once and leaves nothing behind")
  func cancelled() async throws {
    let lake = try EmulatedLake { $0.limits.stall = .seconds(60) }
    lake.emulator.setFaults([Fault(.stall, on: .append)])
    let task = Task { try await lake.store.write(noise(200_000), to: "a") }
    try await eventually { lake.emulator.journal().operations[.append] ?? 0 >= 4 }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(lake.files.isEmpty)
  }

  @Test("A listing is complete and in order over short and empty pages")
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

  @Test("A missing filesystem is an error that names it")
  func noFilesystem() async throws {
    let emulator = try Emulator()
    let store = try EmulatedLake.store(emulator, .bearer(EmulatorTokens(emulator)))
    for error in [
      await lakeError { _ = try await store.makeWriter(temporary: at("t")) },
      await lakeError { _ = try await store.openReader(at("t")) },
      await lakeError { _ = try await store.listPage(under: nil, recursive: false, continuation: nil) },
      await lakeError { try await store.probe() },
    ] {
      #expect("\(error as Any)".contains("the account has no filesystem lake"), "\(error as Any)")
    }
  }

  @Test("A small file is read whole by one request; an empty one, a folder and a longer one are what they are")
  func whole() async throws {
    let lake = try EmulatedLake()
    let long = noise((4 << 20) + 1)
    for (name, bytes) in [("small", noise(3000)), ("empty", []), ("folder/a", [1]), ("long", long)] {
      try await lake.store.write(bytes, to: name)
    }
    lake.emulator.resetJournal()
    #expect(try await lake.store.readAll(at("small"), limit: 3000) == noise(3000))
    #expect(lake.emulator.journal().operations == [.read: 1])
    #expect(try await lake.store.readAll(at("empty"), limit: 10) == [])
    #expect(try await lake.store.readAll(at("long"), limit: 8 << 20) == long)
    await #expect(throws: LakeError.notAFile(at("folder"))) { try await lake.store.readAll(at("folder"), limit: 10) }
    await #expect(throws: LakeError.notFound(at("none"))) { try await lake.store.readAll(at("none"), limit: 10) }
    await #expect(throws: LakeError.tooLarge(at("small"), limit: 2999)) {
      try await lake.store.readAll(at("small"), limit: 2999)
    }
  }
}
