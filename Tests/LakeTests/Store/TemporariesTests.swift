import Foundation
import Glibc
import TestSupport
import Testing

@testable import Lake

@Suite("Temporary files") struct TemporariesTests {
  @Test("Of the files below a folder only old ones are removed")
  func onlyOld() async throws {
    try await withLake(pageSize: 2) { store, folder in
      let now = Date(timeIntervalSince1970: 1_700_000_000)
      func put(_ path: String, hoursOld: Double) async throws {
        try await store.put("x", at: path)
        try FileManager.default.setAttributes(
          [.modificationDate: now.addingTimeInterval(-hoursOld * 3600)], ofItemAtPath: folder + "/" + path)
      }
      for number in 0..<5 { try await put("db/_sluice/tmp/old\(number)", hoursOld: 30) }
      try await put("db/_sluice/tmp/deep/old", hoursOld: 25)
      try await put("db/_sluice/tmp/new", hoursOld: 1)
      try await put("db/archive", hoursOld: 1000)

      let limit = now.addingTimeInterval(-24 * 3600)
      #expect(try await store.removeFiles(under: at("db/_sluice/tmp"), olderThan: limit) == 6)
      #expect(try await store.removeFiles(under: at("db/_sluice/tmp"), olderThan: limit) == 0)
      #expect(try await store.properties(of: at("db/_sluice/tmp/new")) != nil)
      #expect(try await store.properties(of: at("db/archive")) != nil)
      #expect(contents(of: folder + "/db/_sluice/tmp") == ["deep", "new"])
    }
  }

  @Test("A folder that does not exist has no temporary files")
  func missingFolder() async throws {
    try await withLake { store, _ in
      let removed = try await store.removeFiles(under: at("none"), olderThan: .distantFuture)
      #expect(removed == 0)
    }
  }

  @Test("What a killed upload left in a storage account is removed once it is old")
  func killedUpload() async throws {
    let lake = try EmulatedLake()
    let writer = try await lake.store.makeWriter(temporary: at("db/_sluice/tmp/unfinished"))
    try await writer.append(noise(25_000))
    try await eventually { lake.files == ["root/db/_sluice/tmp/unfinished+20000"] }
    func remove(olderThan date: Date) async throws -> Int {
      try await lake.store.removeFiles(under: at("db/_sluice/tmp"), olderThan: date)
    }
    #expect(try await remove(olderThan: Date(timeIntervalSinceNow: -86_400)) == 0)
    // Its time is the one of its making, since nothing was flushed.
    #expect(try await remove(olderThan: Date(timeIntervalSinceNow: 86_400)) == 1)
    #expect(lake.files.isEmpty)
    #expect(try await remove(olderThan: .distantFuture) == 0)
  }
}
