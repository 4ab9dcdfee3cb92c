import LakeEmulator
import TestSupport
import Testing

@Suite("The emulator: rename") struct RenameTests {
  let lake: LakeClient

  init() throws { lake = try LakeClient() }

  private func rename(
    _ source: String, to destination: String, _ headers: [String: String] = [:]
  ) async throws -> HTTPAnswer {
    let all = headers.merging(["x-ms-rename-source": "/lake/\(source)"]) { $1 }
    return try await lake.call("PUT", "lake/\(destination)", all)
  }

  @Test("A renamed file keeps ETag, time, properties and length")
  func kept() async throws {
    try await lake.create("tmp/f", ["x-ms-properties": "a=YQ==", "x-ms-content-type": "text/csv"])
    try await lake.append("tmp/f", "abc", at: 0)
    try await lake.flush("tmp/f", to: 3)
    let before = try await lake.call("HEAD", "lake/tmp/f")
    let answer = try await rename("tmp/f", to: "final")
    #expect(answer.outcome == "201")
    #expect(answer.headers["etag"] == nil && answer.headers["last-modified"] == nil)
    let after = try await lake.call("HEAD", "lake/final")
    for name in ["etag", "last-modified", "x-ms-properties", "content-type", "x-length"] {
      #expect(after.headers[name] == before.headers[name])
    }
    #expect(try await lake.call("HEAD", "lake/tmp/f").outcome == "404 PathNotFound")
    #expect(try await rename("tmp/f", to: "final").outcome == "404 SourcePathNotFound")
  }

  @Test("The source is percent-encoded, and a rename may replace the properties")
  func source() async throws {
    try await lake.write("a%20b", "x")
    #expect(try await rename("a%20b", to: "c", ["x-ms-properties": "n=Yg=="]).outcome == "201")
    #expect(try await lake.call("HEAD", "lake/c").headers["x-ms-properties"] == "n=Yg==")
    // Empty is absent.
    let target = HTTPCall(
      "PUT", "/sluicetest/lake/d",
      headers: [
        ("Authorization", "Bearer \(lake.token)"), ("x-ms-version", LakeClient.version),
        ("x-ms-rename-source", "/lake/c"), ("x-ms-properties", ""),
      ], body: "")
    #expect(try await target.send(port: lake.emulator.port).status == 201)
    #expect(try await lake.call("HEAD", "lake/d").headers["x-ms-properties"] == "n=Yg==")
  }

  @Test("A rename replaces the destination unless its condition forbids it")
  func destination() async throws {
    try await lake.write("a", "new")
    let etag = try await lake.write("b", "old")
    let exists = try await rename("a", to: "b", ["If-None-Match": "*"])
    #expect(exists.outcome == "409 PathAlreadyExists")
    #expect(exists.headers["x-ms-existing-resource-type"] == "file")
    #expect(try await rename("a", to: "b", ["If-Match": "\"0x1\""]).outcome == "412 ConditionNotMet")
    #expect(lake.content("b") == "old")
    #expect(try await rename("a", to: "b", ["If-Match": etag]).outcome == "201")
    #expect(lake.content("b") == "new")
  }

  @Test("A rename makes no parents")
  func parents() async throws {
    try await lake.write("a", "x")
    #expect(try await rename("a", to: "no/such").outcome == "404 RenameDestinationParentPathNotFound")
  }

  @Test("A rename checks the conditions for its source")
  func sourceConditions() async throws {
    let etag = try await lake.write("a", "x")
    #expect(
      try await rename("a", to: "b", ["x-ms-source-if-match": "\"0x1\""]).outcome == "412 SourceConditionNotMet")
    #expect(try await rename("a", to: "b", ["x-ms-source-if-none-match": etag]).outcome == "412 SourceConditionNotMet")
    #expect(try await rename("a", to: "b", ["x-ms-source-if-match": etag]).outcome == "201")
  }

  @Test("A directory moves with all that is in it, but not into itself")
  func directory() async throws {
    try await lake.write("d/e/f", "x")
    try await lake.write("d2/g", "y")
    #expect(try await rename("d", to: "d/e/in").outcome == "409 InvalidRenameSourcePath")
    #expect(try await rename("d", to: "moved").outcome == "201")
    #expect(lake.emulator.files().map(\.path) == ["d2", "d2/g", "moved", "moved/e", "moved/e/f"])
    #expect(try await rename("moved", to: "d2").outcome.hasPrefix("409"))
    #expect(try await rename("moved", to: "d2/g").outcome == "409 InvalidSourceOrDestinationResourceType")
    #expect(try await rename("d2/g", to: "moved").outcome == "409 InvalidSourceOrDestinationResourceType")
  }

  @Test("The source may lie in another filesystem")
  func otherFilesystem() async throws {
    try await lake.call("PUT", "other?resource=filesystem")
    try await lake.write("a", "x")
    let answer = try await lake.call("PUT", "other/b", ["x-ms-rename-source": "/lake/a"])
    #expect(answer.outcome == "201")
    #expect(lake.emulator.files().map { "\($0.filesystem)/\($0.path)" } == ["other/b"])
    let nowhere = try await lake.call("PUT", "lake/b", ["x-ms-rename-source": "b"])
    #expect(nowhere.outcome == "400 InvalidSourceUri")
  }
}
