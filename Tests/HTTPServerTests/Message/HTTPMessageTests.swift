import Essentials
import Testing

@testable import HTTPServer

@Suite("HTTP messages") struct HTTPMessageTests {
  @Test(
    "A query item that is removed is in neither the target nor the query",
    arguments: [
      ("/a?code=s&x=1", "/a?x=1"), ("/a?x=1&CODE=s", "/a?x=1"), ("/a?code=s", "/a"), ("/a?c%6Fde=s&code=t", "/a"),
      ("/a?codes=1&x=%20", "/a?codes=1&x=%20"), ("/a", "/a"), ("/a?code", "/a"),
    ])
  func aSecretQueryItemLeavesNoTrace(_ before: String, _ after: String) throws {
    var request = try HTTPRequest(method: .get, target: before)
    request.removeQueryItems(named: "code")
    #expect(request.target == after)
    #expect(request.query["code"] == nil && request.query["CODE"] == nil)
  }

  @Test("A broken escape in a query stands for itself")
  func aQueryForgivesBrokenEscapes() {
    #expect(HTTPQuery(parsing: "a=50%&b=%e9%zz&&=x").items.map(\.value) == ["50%", "\u{FFFD}%zz", "x"])
  }

  @Test("A request cannot be made of a malformed target")
  func aRequestCannotBeMadeOfABadTarget() {
    #expect(throws: HTTPRefusal.self) { try HTTPRequest(method: .get, target: "a b") }
  }

  @Test("A problem is always written as the same JSON, and further members override none of its own")
  func aProblemIsStableJSON() {
    let problem = Problem(
      status: 400, code: "bad_date", detail: "say \"2024-01-01\"\n", field: "date",
      members: ["zeta": 1, "alpha": "\u{1}", "status": "no"])
    #expect(
      String(decoding: problem.json, as: UTF8.self)
        == #"{"alpha":"\u0001","code":"bad_date","detail":"say \"2024-01-01\"\n","field":"date","#
        + #""status":400,"title":"Bad Request","type":"about:blank","zeta":1}"#)
  }
}
