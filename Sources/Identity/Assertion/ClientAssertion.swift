import Essentials
import Foundation

/// The claims by which an application proves itself instead of sending a secret (RFC 7523 §3;
/// learn.microsoft.com/entra/identity-platform/certificate-credentials).
struct ClientAssertion: Sendable {
  /// The token endpoint.
  let audience: String
  /// The application.
  let clientID: String
  /// When it is made; it is good for ten minutes from there.
  let now: Date
  /// Its own number: an assertion is used once.
  var id = UUID()

  static let lifetime = 600

  /// A JSON Web Token signed as PS256, with the certificate's SHA-256 as `x5t#S256`.
  func signed(by key: borrowing SigningKey, sendsChain: Bool) throws(SigningKey.Flaw) -> String {
    var header: [String: Any] = [
      "typ": "JWT", "alg": "PS256", "x5t#S256": Base64URL.encode(try SigningKey.sha256(key.certificate)),
    ]
    // Not base64url (RFC 7515 §4.1.6), the signing certificate first.
    if sendsChain { header["x5c"] = ([key.certificate] + key.chain).map { Data($0).base64EncodedString() } }
    let start = Int(now.timeIntervalSince1970)
    let claims: [String: Any] = [
      "aud": audience, "iss": clientID, "sub": clientID, "jti": id.uuidString.asciiLowercased(), "nbf": start,
      "exp": start + Self.lifetime,
    ]
    let text = "\(try Self.part(header)).\(try Self.part(claims))"
    return "\(text).\(Base64URL.encode(try key.signature(of: Array(text.utf8))))"
  }

  private static func part(_ object: [String: Any]) throws(SigningKey.Flaw) -> String {
    guard
      let json = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    else { throw SigningKey.Flaw(reason: "the assertion could not be written", remedy: "Check AZURE_CLIENT_ID") }
    return Base64URL.encode(Array(json))
  }
}
