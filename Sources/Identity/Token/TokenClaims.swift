import Essentials
public import Foundation

/// What a token says of itself, for showing. Nothing is verified: never decide by it.
public struct TokenClaims: Sendable, Equatable {
  /// `aud`: whom the token is for.
  public let audience: String?
  /// `oid`: the identity's object id, which role assignments and database labels name.
  public let objectID: String?
  /// `appid` or `azp`: the identity's client id.
  public let applicationID: String?
  /// `tid`: the tenant.
  public let tenantID: String?
  /// `exp`.
  public let expires: Date?
  /// `idtyp`: `app` or `user`, where the token says.
  public let identityType: String?

  /// Reads the token's claims; nil for a token that is not a JWT: opaque ones are allowed.
  public init?(_ token: AccessToken) {
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
