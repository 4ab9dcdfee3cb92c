import COpenSSL
import Essentials
import Foundation

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
