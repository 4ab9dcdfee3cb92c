import Essentials
import HTTPServer
import Testing

@testable import CustomHandler

@Suite("The access key") struct AccessKeyTests {
  @Test("Only the key itself matches")
  func onlyTheKeyMatches() throws {
    let key = try #require(AccessKey(Secret("abcé")))
    #expect(key.matches("abcé"))
    for other in ["", "a", "abc", "abcf", "abcéabcé", "ABCÉ", "abcé "] { #expect(!key.matches(other)) }
  }

  @Test("An empty key is not a key")
  func anEmptyKeyIsNone() { #expect(AccessKey(Secret("")) == nil) }

  @Test("The key cannot be printed")
  func itCannotBePrinted() throws {
    let key = try #require(AccessKey(Secret("s3cret")))
    var dumped = ""
    dump([key], to: &dumped)
    for text in ["\(key)", String(reflecting: key), dumped, String(describing: Optional(key))] {
      #expect(!text.contains("s3cret") && !text.contains("115"))
    }
  }

  @Test(
    "The key is taken from the header or the query, and removed from both",
    arguments: [
      ("/?code=k", [:], true), ("/?Code=k", [:], true), ("/", ["X-Functions-Key": "k"], true),
      ("/?code=x&code=k", [:], true), ("/", [:], false), ("/?code=x", ["x-functions-key": "y"], false),
      ("/?key=k", [:], false),
    ] as [(String, HTTPFields, Bool)])
  func itIsTakenFromTheHeaderOrTheQuery(_ target: String, _ headers: HTTPFields, _ isShown: Bool) throws {
    let key = try #require(AccessKey(Secret("k")))
    let request = try HTTPRequest(method: .get, target: target, headers: headers)
    #expect(key.isShown(in: request) == isShown)
    let removed = AccessKey.removed(from: request)
    #expect(removed.query["code"] == nil && removed.headers["x-functions-key"] == nil)
    #expect(!removed.target.lowercased().contains("code="))
  }
}
