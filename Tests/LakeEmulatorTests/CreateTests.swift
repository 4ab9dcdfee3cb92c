import LakeEmulator
import TestSupport
import Testing

@Suite("The emulator: create") struct CreateTests {
  let lake: LakeClient

  init() throws { lake = try LakeClient() }

  @Test("A filesystem is created once, with a valid name, and can be removed")
  func filesystem() async throws {
    #expect(try await lake.call("PUT", "other?resource=filesystem").outcome == "201")
    #expect(try await lake.call("PUT", "other?resource=filesystem").outcome == "409 FilesystemAlreadyExists")
    #expect(try await lake.call("PUT", "b_d?resource=filesystem").outcome == "400 InvalidResourceName")
    #expect(try await lake.call("PUT", "a--b?resource=filesystem").outcome == "400 InvalidResourceName")
    #expect(try await lake.call("HEAD", "other?resource=filesystem").outcome == "200")
    #expect(try await lake.call("DELETE", "other?resource=filesystem").outcome == "202")
    #expect(try await lake.call("HEAD", "other?resource=filesystem").outcome == "404 FilesystemNotFound")
    #expect(try await lake.call("GET", "other/f").outcome == "404 FilesystemNotFound")
  }

  @Test("A create makes the parents, but neither below a file nor in the place of a directory")
  func parents() async throws {
    let answer = try await lake.create("a/b/f")
    #expect(answer.outcome == "201")
    #expect(answer.headers["etag"] != nil && answer.headers["last-modified"] != nil)
    #expect(lake.emulator.files().map(\.path) == ["a", "a/b", "a/b/f"])
    #expect(try await lake.create("a/b/f/g").outcome == "409 PathConflict")
    #expect(try await lake.create("a/b").outcome == "409 PathConflict")
  }

  @Test("A create replaces a file and drops its data, flushed or not")
  func replaced() async throws {
    try await lake.write("f", "abc")
    try await lake.append("f", "def", at: 3)
    #expect(try await lake.create("f").outcome == "201")
    #expect(lake.emulator.files().first.map { [$0.length, $0.uncommitted] } == [0, 0])
  }

  @Test("A create with a condition that does not hold changes nothing")
  func conditions() async throws {
    let etag = try await lake.write("f", "abc")
    let exists = try await lake.create("f", ["If-None-Match": "*"])
    #expect(exists.outcome == "409 PathAlreadyExists")
    #expect(exists.headers["x-ms-existing-resource-type"] == "file")
    #expect(try await lake.create("f", ["If-Match": "\"0x1\""]).outcome == "412 ConditionNotMet")
    #expect(try await lake.create("g", ["If-Match": etag]).outcome == "412 ConditionNotMet")
    #expect(lake.content("f") == "abc")
    #expect(try await lake.create("f", ["If-Match": etag]).outcome == "201")
    #expect(try await lake.create("new", ["If-None-Match": "*"]).outcome == "201")
  }

  @Test("Creating a directory that exists keeps what is in it")
  func directory() async throws {
    try await lake.write("d/f", "abc")
    #expect(try await lake.call("PUT", "lake/d?resource=directory").outcome == "201")
    #expect(lake.content("d/f") == "abc")
    let exists = try await lake.call("PUT", "lake/d?resource=directory", ["If-None-Match": "*"])
    #expect(exists.outcome == "409 PathAlreadyExists")
    #expect(exists.headers["x-ms-existing-resource-type"] == "directory")
    #expect(try await lake.call("PUT", "lake/d/f?resource=directory").outcome == "409 PathConflict")
  }

  @Test("Content headers and properties are kept, and malformed properties refused")
  func headers() async throws {
    try await lake.create(
      "f", ["x-ms-content-type": "text/csv", "x-ms-content-encoding": "gzip", "x-ms-properties": "a=YQ==,b=Yg=="])
    let head = try await lake.call("HEAD", "lake/f")
    #expect(head.headers["content-type"] == "text/csv")
    #expect(head.headers["content-encoding"] == "gzip")
    #expect(head.headers["x-ms-properties"] == "a=YQ==,b=Yg==")
    #expect(head.headers["x-ms-resource-type"] == "file")
    #expect(try await lake.create("g", ["x-ms-properties": "1a=YQ=="]).outcome == "400 InvalidHeaderValue")
    #expect(try await lake.create("g", ["x-ms-properties": "a=!"]).outcome == "400 InvalidHeaderValue")
  }

  @Test("In a path %2F separates, a plus sign is a plus sign, and a broken escape is refused")
  func encoding() async throws {
    try await lake.create("a%2Fb+c%20d")
    #expect(lake.emulator.files().map(\.path) == ["a", "a/b+c d"])
    #expect(try await lake.create("a%2").outcome == "400 InvalidUri")
    #expect(try await lake.create("a%FF").outcome == "400 InvalidUri")
    #expect(try await lake.create(String(repeating: "x", count: 1025)).outcome == "400 InvalidResourceName")
  }

  @Test("The transaction id comes back by protocol versions that know it")
  func transactionID() async throws {
    try await lake.create("f", ["x-ms-client-transaction-id": "mine", "x-ms-version": "2024-11-04"])
    let new = try await lake.call("HEAD", "lake/f", ["x-ms-version": "2024-11-04"])
    #expect(new.headers["x-ms-client-transaction-id"] == "mine")
    #expect(try await lake.call("HEAD", "lake/f").headers["x-ms-client-transaction-id"] == nil)
  }

  @Test("Every answer carries request id, client request id, version and date")
  func answerHeaders() async throws {
    let answer = try await lake.create("f", ["x-ms-client-request-id": "1-2-3"])
    #expect(answer.headers["x-ms-client-request-id"] == "1-2-3")
    #expect(answer.headers["x-ms-request-id"]?.isEmpty == false)
    #expect(answer.headers["x-ms-version"] == LakeClient.version)
    #expect(answer.headers["date"]?.hasSuffix("GMT") == true)
  }

  @Test("A write without Content-Length is refused")
  func missingLength() async throws {
    #expect(try await lake.create("f", ["no-length": "x"]).outcome == "411 MissingContentLengthHeader")
    let chunked = try await lake.create("f", ["no-length": "x", "Transfer-Encoding": "chunked"])
    #expect(chunked.outcome == "411 MissingContentLengthHeader")
    #expect(try await lake.call("PUT", "lake/f?resource=file", body: "x").outcome == "400 ContentLengthMustBeZero")
    #expect(try await lake.call("PUT", "lake/f").outcome == "400 MissingRequiredQueryParameter")
    #expect(try await lake.call("PUT", "lake/f?resource=heap").outcome == "400 InvalidQueryParameterValue")
  }
}
