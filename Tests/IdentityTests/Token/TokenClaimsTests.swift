import Essentials
import Foundation
import Testing

@testable import Identity

@Suite("Claims")
struct TokenClaimsTests {
  func token(_ claims: String) -> AccessToken {
    let parts = ["{\"alg\":\"RS256\"}", claims, "signature"].map { Base64URL.encode(Array($0.utf8)) }
    return AccessToken(Secret(parts.joined(separator: ".")), expires: .distantFuture)
  }

  @Test("The claims tell whose the token is and for whom")
  func claims() throws {
    let claims = try #require(
      TokenClaims(
        token(
          """
          {"aud":"https://storage.azure.com","oid":"o-1","appid":"a-1","tid":"t-1","exp":1700000000,"idtyp":"app"}
          """)))
    #expect(claims.audience == "https://storage.azure.com")
    #expect(claims.objectID == "o-1")
    #expect(claims.applicationID == "a-1")
    #expect(claims.tenantID == "t-1")
    #expect(claims.expires == Date(timeIntervalSince1970: 1_700_000_000))
    #expect(claims.identityType == "app")
    let second = try #require(TokenClaims(token("{\"aud\":[\"x\",\"y\"],\"azp\":\"a-2\"}")))
    #expect(second.audience == "x")
    #expect(second.applicationID == "a-2")
    #expect(second.expires == nil)
  }

  @Test("An expiry that is not a time is left out", arguments: ["1e300", "-1", "1e12", "\"x\"", "null", "[1]"])
  func oddExpiry(text: String) throws {
    #expect(try #require(TokenClaims(token("{\"aud\":\"x\",\"exp\":\(text)}"))).expires == nil)
  }

  @Test("An opaque token has no claims", arguments: ["opaque", "a.b.c", "..", "eyJ.e30", "a.W10.c"])
  func opaque(text: String) {
    #expect(TokenClaims(AccessToken(Secret(text), expires: .distantFuture)) == nil)
  }
}
