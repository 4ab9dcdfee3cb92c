import Essentials
package import Foundation

/// What a token says of itself, for showing. Nothing is verified: never decide by it.
package struct TokenClaims: Sendable, Equatable {
  /// `aud`: whom the token is for.
  package let audience: String?
  /// `oid`: the identity's object id, which role assignments and database labels name.
  package let objectID: String?
  /// `appid` or `azp`: the identity's client id.
  package let applicationID: String?
  /// `tid`: the tenant.
  package let tenantID: String?
  /// `exp`.
  package let expires: Date?
  /// `idtyp`: `app` or `user`, where the token says.
  package let identityType: String?

  /// Reads the token's claims; nil for a token that is not a JWT: opaque ones are allowed.
  package init?(_ token: AccessToken) {
    let parts = token.secret.reveal().split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let payload = Base64URL.decode(parts[1]),
      let claims = TokenAnswer.object(payload)
    else { return nil }
    func text(_ name: String) -> String? {
      claims[name]?.string.map { ServiceText.readable($0) }
    }
    let audiences = if case .array(let items)? = claims["aud"] { items } else { [JSONValue]() }
    audience = text("aud") ?? audiences.first?.string.map { ServiceText.readable($0) }
    objectID = text("oid")
    applicationID = text("appid") ?? text("azp")
    tenantID = text("tid")
    expires = TokenAnswer.number(claims["exp"]).map { Date(timeIntervalSince1970: $0) }
    identityType = text("idtyp")
  }
}
