import Essentials
import Foundation
import Identity
import Testing

@Suite("Access token")
struct AccessTokenTests {
  @Test("A token never prints itself")
  func hidden() {
    let token = AccessToken(Secret("eyJ0"), expires: .distantFuture)
    var dumped = ""
    dump(token, to: &dumped)
    for text in ["\(token)", String(reflecting: token), "\([token])", "\(Optional(token) as Any)", dumped] {
      #expect(!text.contains("eyJ0"))
      #expect(text.contains("<secret>"))
    }
  }
}
