import COpenSSL
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
    var header: [String: JSONValue] = [
      "typ": "JWT", "alg": "PS256", "x5t#S256": .string(Base64URL.encode(try SigningKey.sha256(key.certificate))),
    ]
    // Not base64url (RFC 7515 §4.1.6), the signing certificate first.
    if sendsChain {
      header["x5c"] = .array(([key.certificate] + key.chain).map { .string(Data($0).base64EncodedString()) })
    }
    let start = Int(now.timeIntervalSince1970)
    let claims: [String: JSONValue] = [
      "aud": .string(audience), "iss": .string(clientID), "sub": .string(clientID),
      "jti": .string(id.uuidString.asciiLowercased()), "nbf": .integer(start), "exp": .integer(start + Self.lifetime),
    ]
    let text = "\(Self.part(header)).\(Self.part(claims))"
    return "\(text).\(Base64URL.encode(try key.signature(of: Array(text.utf8))))"
  }

  private static func part(_ object: [String: JSONValue]) -> String {
    Base64URL.encode(Array(JSONValue.object(object).compact.utf8))
  }
}

/// A certificate with its private key in a file, by which an application proves itself.
struct ClientCertificate: Sendable {
  /// A PEM file with key and certificates in any order, or PKCS#12.
  let path: String
  /// Of the key or the PKCS#12 file; nil is none.
  let password: Secret?
  /// Whether the certificates go along as `x5c`, for applications that trust a subject name and issuer.
  let sendsChain: Bool

  /// A signed assertion for `audience`, the token endpoint. The file is read anew, so that a renewed certificate is used.
  /// - Throws: ``IdentityError`` `bad_setting`: the file can't be read or used.
  func assertion(member: String, audience: String, clientID: String, now: Date) throws(IdentityError) -> String {
    guard let content = FileManager.default.contents(atPath: path) else {
      throw Self.bad(member, "the file cannot be read", "Check that it is there and that this user may read it")
    }
    do {
      let key = try SigningKey(Array(content), password: password?.reveal())
      let assertion = ClientAssertion(audience: audience, clientID: clientID, now: now)
      return try assertion.signed(by: key, sendsChain: sendsChain)
    } catch {
      throw Self.bad(member, error.reason, error.remedy)
    }
  }

  private static func bad(_ member: String, _ reason: String, _ remedy: String) -> IdentityError {
    IdentityError(.badSetting, member: member, "AZURE_CLIENT_CERTIFICATE_PATH: \(reason)", remedy: remedy)
  }
}

/// base64url without padding (RFC 4648 §5), as JSON Web Tokens use it.
enum Base64URL {
  static func encode(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  static func decode(_ text: some StringProtocol) -> [UInt8]? {
    var base64 = String(text).replacing("-", with: "+").replacing("_", with: "/")
    base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
    return Data(base64Encoded: base64).map { Array($0) }
  }
}
