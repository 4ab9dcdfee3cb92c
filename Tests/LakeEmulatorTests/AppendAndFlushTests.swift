import LakeEmulator
import TestSupport
import Testing

@Suite("The emulator: append and flush") struct AppendAndFlushTests {
  let lake: LakeClient

  init() throws { lake = try LakeClient() }

  @Test("Appended bytes are invisible until a flush covers them")
  func invisible() async throws {
    try await lake.create("f")
    let append = try await lake.append("f", "hello", at: 0)
    #expect(append.outcome == "202")
    #expect(append.headers["etag"] == nil)
    #expect(append.headers["x-ms-request-server-encrypted"] == "true")
    #expect(try await lake.call("HEAD", "lake/f").headers["x-length"] == "0")
    let list = try await lake.call("GET", "lake?resource=filesystem&recursive=true")
    #expect(list.text.contains("\"contentLength\":\"0\""))
    let flush = try await lake.flush("f", to: 5, query: "&close=true")
    #expect(flush.outcome == "200")
    #expect(flush.headers["etag"]?.hasPrefix("\"0x") == true)
    #expect(flush.headers["last-modified"] != nil)
    #expect(try await lake.call("GET", "lake/f").text == "hello")
  }

  @Test("Appends that arrive in any order make one file")
  func anyOrder() async throws {
    try await lake.create("f")
    try await lake.append("f", "cc", at: 4)
    try await lake.append("f", "aa", at: 0)
    try await lake.append("f", "bb", at: 2)
    #expect(try await lake.flush("f", to: 6).outcome == "200")
    #expect(lake.content("f") == "aabbcc")
  }

  @Test("An append that is repeated counts once")
  func repeated() async throws {
    try await lake.create("f")
    try await lake.append("f", "aa", at: 0)
    try await lake.append("f", "aa", at: 0)
    #expect(try await lake.flush("f", to: 2).outcome == "200")
    #expect(try await lake.flush("f", to: 2).outcome == "200")
    #expect(lake.content("f") == "aa")
  }

  @Test("A flush over a gap or an overlap, or to a wrong end, is refused")
  func gaps() async throws {
    try await lake.create("gap")
    try await lake.append("gap", "aa", at: 0)
    try await lake.append("gap", "bb", at: 3)
    #expect(try await lake.flush("gap", to: 5).outcome == "400 InvalidFlushPosition")
    try await lake.create("overlap")
    try await lake.append("overlap", "aaa", at: 0)
    try await lake.append("overlap", "bb", at: 2)
    #expect(try await lake.flush("overlap", to: 4).outcome == "400 InvalidFlushPosition")
    try await lake.create("end")
    try await lake.append("end", "aaa", at: 0)
    #expect(try await lake.flush("end", to: 2).outcome == "400 InvalidFlushPosition")
    #expect(try await lake.flush("end", to: 4).outcome == "400 InvalidFlushPosition")
    #expect(lake.content("end") == "")
  }

  @Test("An append at a position that is already flushed is accepted, and makes the flush fail")
  func behindTheEnd() async throws {
    try await lake.write("f", "abc")
    #expect(try await lake.append("f", "xyz", at: 0).outcome == "202")
    #expect(lake.content("f") == "abc")
    #expect(try await lake.flush("f", to: 3).outcome == "400 InvalidFlushPosition")
    #expect(lake.content("f") == "abc")
  }

  @Test("A flush drops the data behind its position unless it is asked to retain it")
  func retained() async throws {
    try await lake.create("f")
    try await lake.append("f", "aa", at: 0)
    try await lake.append("f", "bb", at: 2)
    #expect(try await lake.flush("f", to: 2, query: "&retainUncommittedData=true").outcome == "200")
    #expect(lake.emulator.files().first?.uncommitted == 2)
    #expect(try await lake.flush("f", to: 4).outcome == "200")
    #expect(lake.content("f") == "aabb")
    try await lake.append("f", "cc", at: 4)
    try await lake.append("f", "dd", at: 6)
    #expect(try await lake.flush("f", to: 6).outcome == "200")
    #expect(lake.emulator.files().first?.uncommitted == 0)
    #expect(try await lake.flush("f", to: 8).outcome == "400 InvalidFlushPosition")
  }

  @Test("A flush checks its conditions before its position")
  func conditions() async throws {
    let etag = try await lake.write("f", "abc")
    let none = try await lake.flush("f", to: 99, ["If-None-Match": "*"])
    #expect(none.outcome == "304 ConditionNotMet")
    #expect(none.body.isEmpty)
    #expect(try await lake.flush("f", to: 99, ["If-Match": "\"0x1\""]).outcome == "412 ConditionNotMet")
    #expect(try await lake.flush("f", to: 3, ["If-Match": etag]).outcome == "200")
    #expect(try await lake.flush("f", to: 3, ["If-Match": etag]).outcome == "412 ConditionNotMet")
  }

  @Test("An append keeps the ETag and a flush changes it")
  func etag() async throws {
    let etag = try await lake.write("f", "abc")
    try await lake.append("f", "d", at: 3)
    #expect(try await lake.call("HEAD", "lake/f").headers["etag"] == etag)
    let flush = try await lake.flush("f", to: 4)
    #expect(flush.headers["etag"] != etag)
    #expect(try await lake.call("HEAD", "lake/f").headers["etag"] == flush.headers["etag"])
  }

  @Test("A flush of nothing answers with an ETag that the file does not keep")
  func emptyFlush() async throws {
    let created = try await lake.create("f")
    let flush = try await lake.flush("f", to: 0)
    #expect(flush.outcome == "200")
    #expect(flush.headers["etag"] != created.headers["etag"])
    #expect(try await lake.call("HEAD", "lake/f").headers["etag"] == created.headers["etag"])
  }

  @Test("One request may append and flush; repeated, it is refused and changes nothing")
  func appendWithFlush() async throws {
    try await lake.create("f")
    let target = "lake/f?action=append&position=0&flush=true&close=true"
    let first = try await lake.call("PATCH", target, body: "abc")
    #expect(first.outcome == "202")
    #expect(first.headers["etag"] != nil)
    #expect(lake.content("f") == "abc")
    #expect(try await lake.call("PATCH", target, body: "abc").outcome == "400 InvalidFlushPosition")
    #expect(lake.content("f") == "abc")
  }

  @Test("A body that does not match its Content-MD5 is refused")
  func checksum() async throws {
    try await lake.create("f")
    // md5 of "hello", from md5sum.
    let good = try await lake.append("f", "hello", at: 0, ["Content-MD5": "XUFAKrxLKna5cZ2REBfFkg=="])
    #expect(good.outcome == "202")
    let bad = try await lake.append("f", "hellO", at: 5, ["Content-MD5": "XUFAKrxLKna5cZ2REBfFkg=="])
    #expect(bad.outcome == "400 Md5Mismatch")
    #expect(try await lake.flush("f", to: 5).outcome == "200")
  }

  @Test("A missing or malformed part of an append or flush gets the service's error code")
  func malformed() async throws {
    try await lake.create("f")
    #expect(try await lake.append("f", "", at: 0).outcome == "400 InvalidHeaderValue")
    let body = try await lake.call("PATCH", "lake/f?action=flush&position=0", body: "x")
    #expect(body.outcome == "400 ContentLengthMustBeZero")
    let position = try await lake.call("PATCH", "lake/f?action=append", body: "x")
    #expect(position.outcome == "400 MissingRequiredQueryParameter")
    #expect(try await lake.call("PATCH", "lake/f").outcome == "400 MissingRequiredQueryParameter")
    #expect(try await lake.call("PATCH", "lake/f?action=melt").outcome == "400 InvalidQueryParameterValue")
    let number = try await lake.call("PATCH", "lake/f?action=flush&position=-1")
    #expect(number.outcome == "400 InvalidQueryParameterValue")
    #expect(try await lake.append("nope", "x", at: 0).outcome == "404 PathNotFound")
    let length = try await lake.call("PATCH", "lake/f?action=flush&position=0", ["no-length": "x"])
    #expect(length.outcome == "411 MissingContentLengthHeader")
    try await lake.call("PUT", "lake/d?resource=directory")
    #expect(try await lake.append("d", "x", at: 0).outcome == "409 ResourceTypeMismatch")
  }

  @Test("A checksum that is stored with the file comes back with it")
  func storedChecksum() async throws {
    try await lake.create("f")
    try await lake.append("f", "abc", at: 0)
    try await lake.flush("f", to: 3, ["x-ms-content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="])
    #expect(try await lake.call("GET", "lake/f").headers["content-md5"] == "AAAAAAAAAAAAAAAAAAAAAA==")
    let range = try await lake.call("GET", "lake/f", ["Range": "bytes=0-1"])
    #expect(range.headers["content-md5"] == nil)
    #expect(range.headers["x-ms-content-md5"] == "AAAAAAAAAAAAAAAAAAAAAA==")
  }

  @Test("A PUT with X-HTTP-Method-Override is taken as the PATCH it names")
  func methodOverride() async throws {
    try await lake.create("f")
    let answer = try await lake.call(
      "PUT", "lake/f?action=append&position=0", ["X-HTTP-Method-Override": "PATCH"], body: "x")
    #expect(answer.outcome == "202")
  }
}
