import Foundation
import Testing

@testable import Identity

@Suite("Token answers")
struct TokenAnswerTests {
  let now = Date(timeIntervalSince1970: 1_700_000_000)

  func token(_ members: String, text: String = "abc") throws(IdentityError) -> AccessToken {
    try TokenAnswer.token(
      Array("{\"access_token\":\"\(text)\",\(members)}".utf8), member: "m", now: now)
  }

  @Test(
    "Every form of an expiry is read",
    arguments: [
      ("\"expires_in\":3600", 3600), ("\"expires_in\":\"3600\"", 3600), ("\"expires_on\":1700000060", 60),
      ("\"expires_on\":\"1700000060\"", 60), ("\"expires_on\":\"1700000060\",\"expires_in\":\"86399\"", 60),
      ("\"expires_on\":\"11/14/2023 22:13:21 +00:00\"", 1),
      ("\"expires_on\":\"11/14/2023 10:13:22 PM +00:00\"", 2),
    ])
  func expiry(members: String, seconds: Double) throws {
    #expect(try token(members).expires == now.addingTimeInterval(seconds))
  }

  @Test("The issuer's time for a refresh is kept")
  func refresh() throws {
    #expect(try token("\"expires_in\":86400,\"refresh_in\":43200").refresh == now.addingTimeInterval(43_200))
    #expect(try token("\"expires_in\":86400").refresh == nil)
  }

  @Test(
    "An answer without a usable token is malformed, and its text is not repeated",
    arguments: [
      "", "[]", "<html>hunter2</html>", "{\"expires_in\":3600}", "{\"access_token\":\"\",\"expires_in\":3600}",
      "{\"access_token\":\"hunter2\"}", "{\"access_token\":\"hunter2\",\"expires_in\":\"soon\"}",
      "{\"access_token\":\"hunter2\",\"expires_in\":-1}",
      "{\"access_token\":\"hunter2\\r\\nX: y\",\"expires_in\":3600}",
      "{\"access_token\":\"hunter2\",\"expires_in\":3600,\"token_type\":\"pop\"}",
      "{\"access_token\":17,\"expires_in\":3600}", "{\"access_token\":\"hunter2\",\"expires_in\":1e300}",
    ])
  func malformed(body: String) {
    let error = #expect(throws: IdentityError.self) {
      try TokenAnswer.token(Array(body.utf8), member: "m", now: now)
    }
    #expect(error?.code == .malformedAnswer)
    #expect(error?.description.contains("hunter2") == false)
  }
}
