import LakeEmulator
import Testing

@testable import Lake

/// The folder that a file is renamed into.
@Suite("ADLS store: parent folders") struct ParentFolderTests {
  /// Requests that made a file or a folder, of which each file is one.
  private func creates(_ lake: EmulatedLake) -> Int { lake.emulator.journal().operations[.create] ?? 0 }

  @Test("A process requests a parent folder once, however many files it writes there")
  func once() async throws {
    let lake = try EmulatedLake()
    for number in 0..<5 { try await lake.store.write([1], to: "db/\(number)") }
    #expect(creates(lake) == 5 + 1)
    // Another process finds it there.
    let other = try EmulatedLake.store(lake.emulator, .bearer(lake.tokens))
    for number in 5..<8 { try await other.write([1], to: "db/\(number)") }
    #expect(creates(lake) == 5 + 1 + 3 + 1)
    #expect(lake.files.count == 8)
  }

  @Test("A parent folder that exists is not overwritten: its ETag stays")
  func notOverwritten() async throws {
    let lake = try EmulatedLake()
    try await lake.store.write([1], to: "db/a")
    let before = try await lake.store.properties(of: at("db"))
    let other = try EmulatedLake.store(lake.emulator, .bearer(lake.tokens))
    try await other.write([2], to: "db/b")
    #expect(try await lake.store.properties(of: at("db"))?.etag == before?.etag)
  }

  @Test("A parent folder that was deleted meanwhile is made again")
  func deleted() async throws {
    let lake = try EmulatedLake()
    try await lake.store.write([1], to: "other/a")
    try await lake.store.delete(at("other/a"))
    try await lake.store.delete(at("other"))
    try await lake.store.write([2], to: "other/b")
    #expect(try await lake.store.read("other/b") == [2])
  }

  @Test("A file in the place of a parent folder is an error that says so")
  func file() async throws {
    let lake = try EmulatedLake()
    try await lake.store.write([1], to: "f")
    await #expect(throws: LakeError.notAFolder(at("f"))) { try await lake.store.write([1], to: "f/a") }
    await #expect(throws: LakeError.notAFolder(at("f/x"))) { try await lake.store.write([1], to: "f/x/a") }
  }
}
