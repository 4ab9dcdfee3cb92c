import Essentials
import Foundation
import HTTPClient
import Testing

@testable import Lake

@Suite("ADLS protocol: values")
struct ProtocolValuesTests {
  @Test("A listing's texts, numbers and both spellings of the ETag are understood")
  func listing() throws {
    let json = #"""
      {"paths":[
        {"name":"root/a","isDirectory":"true","lastModified":"Sat, 21 Nov 2026 12:09:48 GMT","etag":"0x1"},
        {"name":"root/a/b.csv.gz","contentLength":"12","lastModified":"Sat, 21 Nov 2026 12:09:48 GMT","eTag":"\"0x2\""},
        {"name":"root/a/c","contentLength":7,"isDirectory":false,"lastModified":"nonsense"},
        {"name":"elsewhere/d","contentLength":"1"},
        {"name":"root","isDirectory":"true"},
        {"name":"root/a/../x","contentLength":"1"},
        {"name":"root/a/..","contentLength":"1"}
      ]}
      """#
    let entries = ListedPath.entries(
      try ListedPath.list(parsing: Array(json.utf8)), below: try LakePath("root"))
    #expect(entries.map { "\($0.path)" } == ["a", "a/b.csv.gz", "a/c"])
    #expect(entries.map(\.isDirectory) == [true, false, false])
    #expect(entries.map(\.length) == [0, 12, 7])
    #expect(entries.map(\.etag) == ["0x1", "0x2", ""])
    #expect(entries[1].modified == Date(timeIntervalSince1970: 1_795_262_988))
    // A time that can't be read must not make a file look old enough to be removed.
    #expect(entries[2].modified == .distantFuture)
  }

  @Test(
    "What is not a listing is refused",
    arguments: [
      "", "{}", "[]", #"{"paths":{}}"#, #"{"paths":[{}]}"#, #"{"paths":[{"name":1}]}"#, #"{"paths":[{"name":"a"},]}"#,
      #"{"paths":[{"name":"a","name":"b"}]}"#, #"{"paths":[{"name":"a","isDirectory":1}]}"#,
      #"{"paths":[{"name":"a","contentLength":1.5}]}"#, #"{"paths":[{"name":"a","etag":2}]}"#,
    ])
  func noListing(json: String) {
    #expect(throws: (any Error).self) { try ListedPath.list(parsing: Array(json.utf8)) }
  }

  @Test("A content range is read, or refused")
  func contentRange() {
    #expect(ContentRange("bytes 5-9/20")?.first == 5)
    #expect(ContentRange("bytes 5-9/20")?.last == 9)
    #expect(ContentRange("bytes 5-9/20")?.total == 20)
    for text in ["", "bytes */20", "bytes 9-5/20", "bytes 5-20/20", "5-9/20", "bytes 5-9/*", "bytes a-b/c"] {
      #expect(ContentRange(text) == nil, "\(text)")
    }
  }

  @Test("A refusal's code comes from the header, else from either endpoint's body, and nothing else of it is kept")
  func refusals() {
    func code(_ fields: HTTPFields, _ body: String) -> String {
      ADLSRefusal(ClientResponse(status: 409, fields: fields), Array(body.utf8)).code
    }
    #expect(code(["x-ms-error-code": "PathAlreadyExists"], "") == "PathAlreadyExists")
    #expect(code([:], #"{"error":{"code":"PathConflict","message":"sig=secret"}}"#) == "PathConflict")
    #expect(code([:], "\u{FEFF}<?xml?><Error><Code>BlobNotFound</Code></Error>") == "BlobNotFound")
    #expect(code([:], "<html>Bad gateway</html>") == "")
    #expect(code(["x-ms-error-code": "Bad\u{1B}[31m code=1"], "") == "Bad31mcode1")
  }

  @Test(
    "A length that no file has is an error, and sums with it never overflow", arguments: ["9223372036854775807", "-1"])
  func absurdLengths(text: String) throws {
    let fields: HTTPFields = [
      "Content-Length": text, "ETag": "\"1\"", "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT",
    ]
    #expect(throws: LakeError.self) { try ADLSProperties(fields, path: LakePath("a")) }
    #expect(ContentRange("bytes 0-4/\(text)") == nil)
    for length in [text, "\"\(text)\""] {
      let json = "{\"paths\":[{\"name\":\"a\",\"contentLength\":\(length)}]}"
      #expect(throws: ListedPath.Malformed.self) { try ListedPath.list(parsing: Array(json.utf8)) }
    }
  }

  @Test("Damage in transit and a deletion in progress are tried again")
  func retriedRefusals() {
    for name in ["Md5Mismatch", "Crc64Mismatch", "DestinationPathIsBeingDeleted"] {
      let refusal = ADLSRefusal(ClientResponse(status: 400, fields: ["x-ms-error-code": name]), [])
      let decision = RetryPolicy().decision(
        after: refusal.outcome(retryAfter: nil), tries: 1, elapsed: .zero, random: 0)
      #expect(decision == .retry(after: .zero))
    }
    let final = ADLSRefusal(ClientResponse(status: 400, fields: ["x-ms-error-code": "InvalidFlushPosition"]), [])
    #expect(
      RetryPolicy().decision(after: final.outcome(retryAfter: nil), tries: 1, elapsed: .zero, random: 0) == .final)
  }

  @Test("Paths are percent-encoded part by part, below the root and the account where it stands in the path")
  func paths() throws {
    func location(_ url: String) throws -> ADLSLocation {
      let address = try LakeAddress(parsing: url)
      return try #require(address.lake as? ADLSLocation).rooted(at: address.path)
    }
    let emulator = try location("http://127.0.0.1:10000/acct/files/ro%20ot")
    let account = try location("abfss://files@acct.dfs.core.windows.net")
    let path = try LakePath("a+b/ü%.csv")
    #expect(emulator.encodedPath(path) == "/acct/files/ro%20ot/a%2Bb/%C3%BC%25.csv")
    #expect(emulator.encodedSource(path) == "/files/ro%20ot/a%2Bb/%C3%BC%25.csv")
    #expect(account.encodedPath(path) == "/files/a%2Bb/%C3%BC%25.csv")
    #expect(account.encodedPath(nil, onFilesystem: true) == "/files")
  }
}
