import Foundation
import LakeEmulator
import TestSupport
import Testing

@Suite("The emulator: list") struct ListTests {
  let lake: LakeClient

  init() throws { lake = try LakeClient() }

  private func names(_ query: String) async throws -> [String] {
    let answer = try await lake.call("GET", "lake?resource=filesystem&\(query)")
    return (answer.json["paths"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
  }

  @Test("A listing gives one level or all, with the directories, below an existing directory")
  func levels() async throws {
    for path in ["a/x", "a/b/y", "c"] { try await lake.write(path, "1") }
    #expect(try await names("recursive=false") == ["a", "c"])
    #expect(try await names("recursive=true") == ["a", "a/b", "a/b/y", "a/x", "c"])
    // Names are from the root; the directory itself is not there.
    #expect(try await names("recursive=true&directory=a") == ["a/b", "a/b/y", "a/x"])
    #expect(try await names("recursive=false&directory=%2Fa%2F") == ["a/b", "a/x"])
    let missing = try await lake.call("GET", "lake?resource=filesystem&recursive=true&directory=no")
    #expect(missing.outcome == "404 PathNotFound")
    let incomplete = try await lake.call("GET", "lake?resource=filesystem")
    #expect(incomplete.outcome == "400 MissingRequiredQueryParameter")
  }

  @Test("All values of a listing are strings")
  func strings() async throws {
    try await lake.write("d/f", "abc")
    let answer = try await lake.call("GET", "lake?resource=filesystem&recursive=true")
    let entries = try #require(answer.json["paths"] as? [[String: String]])
    #expect(entries.map { $0["isDirectory"] } == ["true", nil])
    #expect(entries.map { $0["contentLength"] } == ["0", "3"])
    let etag = try await lake.call("HEAD", "lake/d/f").headers["etag"]
    #expect(entries[1]["etag"].map { "\"\($0)\"" } == etag)
    #expect(entries[1]["lastModified"]?.hasSuffix("GMT") == true)
  }

  @Test("Pages go on by a token that must be percent-encoded")
  func continuation() async throws {
    for index in 0..<7 { try await lake.create("f\(index)") }
    var seen: [String] = []
    var token = ""
    repeat {
      let answer = try await lake.call(
        "GET", "lake?resource=filesystem&recursive=true&maxResults=3&continuation=\(token)")
      #expect(answer.status == 200)
      seen += (answer.json["paths"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
      let next = answer.headers["x-ms-continuation"] ?? ""
      if !next.isEmpty {
        #expect(next.contains("+") && next.contains("/") && next.hasSuffix("="))
        let raw = try await lake.call(
          "GET", "lake?resource=filesystem&recursive=true&maxResults=3&continuation=\(next)")
        #expect(raw.outcome == "400 InvalidQueryParameterValue")
      }
      token = next.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    } while !token.isEmpty
    #expect(seen == (0..<7).map { "f\($0)" })
  }

  @Test("A page may be empty and still have a continuation token")
  func emptyPage() async throws {
    try await lake.create("f")
    lake.emulator.setFaults([Fault(.shortPage, on: .list, .first(1))])
    let empty = try await lake.call("GET", "lake?resource=filesystem&recursive=true")
    #expect((empty.json["paths"] as? [Any])?.isEmpty == true)
    let token = try #require(empty.headers["x-ms-continuation"])
    let encoded = token.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    #expect(try await names("recursive=true&continuation=\(encoded)") == ["f"])
  }
}
