import TestSupport
import Testing

@Suite("The emulator: read") struct ReadTests {
  let lake: LakeClient

  init() throws { lake = try LakeClient() }

  @Test("A range includes its last byte and is cut at the end of the file")
  func ranges() async throws {
    try await lake.write("f", "0123456789")
    let whole = try await lake.call("GET", "lake/f")
    #expect(whole.outcome == "200" && whole.text == "0123456789")
    let middle = try await lake.call("GET", "lake/f", ["Range": "bytes=2-4"])
    #expect(middle.outcome == "206" && middle.text == "234")
    #expect(middle.headers["content-range"] == "bytes 2-4/10")
    #expect(try await lake.call("GET", "lake/f", ["Range": "bytes=7-"]).text == "789")
    let past = try await lake.call("GET", "lake/f", ["Range": "bytes=7-99"])
    #expect(past.text == "789" && past.headers["content-range"] == "bytes 7-9/10")
    let both = try await lake.call("GET", "lake/f", ["Range": "bytes=0-0", "x-ms-range": "bytes=5-5"])
    #expect(both.text == "5")
  }

  @Test("A range behind the end of the file is refused")
  func rangeBehindEnd() async throws {
    try await lake.write("f", "0123456789")
    try await lake.write("empty", "")
    #expect(try await lake.call("GET", "lake/f", ["Range": "bytes=10-"]).outcome == "416 InvalidRange")
    #expect(try await lake.call("GET", "lake/empty", ["Range": "bytes=0-"]).outcome == "416 InvalidRange")
    #expect(try await lake.call("GET", "lake/empty").outcome == "200")
    #expect(try await lake.call("GET", "lake/f", ["Range": "bytes=-3"]).outcome == "400 InvalidHeaderValue")
  }

  @Test("A read with If-Match is refused when the file has changed")
  func pinned() async throws {
    let etag = try await lake.write("f", "abc")
    #expect(try await lake.call("GET", "lake/f", ["If-Match": etag]).outcome == "200")
    #expect(try await lake.call("GET", "lake/f", ["If-None-Match": etag]).outcome == "304 ConditionNotMet")
    try await lake.write("f", "xyz")
    #expect(try await lake.call("GET", "lake/f", ["If-Match": etag]).outcome == "412 ConditionNotMet")
  }

  @Test("A range comes with its MD5 when that is asked for")
  func rangeChecksum() async throws {
    try await lake.write("f", "hello world")
    let answer = try await lake.call("GET", "lake/f", ["Range": "bytes=0-4", "x-ms-range-get-content-md5": "true"])
    #expect(answer.headers["content-md5"] == "XUFAKrxLKna5cZ2REBfFkg==")
    let whole = try await lake.call("GET", "lake/f", ["x-ms-range-get-content-md5": "true"])
    #expect(whole.outcome == "400 MissingRequiredHeader")
  }

  @Test("HEAD tells all properties, and its errors have no body")
  func head() async throws {
    try await lake.create("f", ["x-ms-properties": "a=YQ=="])
    let head = try await lake.call("HEAD", "lake/f")
    #expect(head.headers["content-type"] == "application/octet-stream")
    #expect(head.headers["x-ms-lease-state"] == "available")
    #expect(head.headers["x-ms-permissions"] == "rw-r-----")
    let status = try await lake.call("HEAD", "lake/f?action=getStatus")
    #expect(status.outcome == "200" && status.headers["x-ms-properties"] == nil)
    let access = try await lake.call("HEAD", "lake/f?action=getAccessControl")
    #expect(access.headers["x-ms-acl"] == "user::rw-,group::r--,other::---")
    let missing = try await lake.call("HEAD", "lake/nope")
    #expect(missing.outcome == "404 PathNotFound" && missing.body.isEmpty)
    let get = try await lake.call("GET", "lake/nope")
    #expect(((get.json["error"] as? [String: Any])?["code"] as? String) == "PathNotFound")
    #expect(get.headers["content-type"] == "application/json;charset=utf-8")
  }

  @Test("The blob endpoint has names and error bodies of its own")
  func blobEndpoint() async throws {
    try await lake.call("PUT", "lake/d?resource=directory")
    let blob = ["Accept": "application/xml"]
    #expect(try await lake.call("HEAD", "lake/d", blob).headers["x-ms-meta-hdi_isfolder"] == "true")
    let missing = try await lake.call("GET", "lake/nope", blob)
    #expect(missing.outcome == "404 BlobNotFound")
    #expect(missing.text.contains("<Code>BlobNotFound</Code>"))
  }
}
