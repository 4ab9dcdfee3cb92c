import Essentials
import Foundation
import TestSupport
import Testing

@testable import Identity

/// A key and its certificate, made by openssl for one test.
struct TestCertificate {
  let folder: TemporaryDirectory

  init(algorithm: [String] = ["rsa:2048"]) async throws {
    folder = try TemporaryDirectory("certificate")
    try await openssl(
      ["req", "-x509", "-newkey"] + algorithm + [
        "-nodes", "-days", "2", "-subj", "/CN=test", "-keyout", path("key.pem"), "-out", path("cert.pem"),
      ])
  }

  func path(_ name: String) -> String { folder.file(name) }

  func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

  @discardableResult
  func openssl(_ arguments: [String]) async throws -> String {
    try await runChecked("/usr/bin/openssl", arguments)
  }

  /// A file of these others, one after the other.
  func joined(_ names: String...) throws -> String {
    try names.map(text).joined().write(toFile: path("joined.pem"), atomically: true, encoding: .utf8)
    return path("joined.pem")
  }
}

@Suite("Client assertion")
struct ClientAssertionTests {
  static let now = Date(timeIntervalSince1970: 1_700_000_000)
  static let endpoint = "https://login.microsoftonline.com/t/oauth2/v2.0/token"

  func assertion(_ path: String, password: String? = nil, sendsChain: Bool = false) throws(IdentityError) -> String {
    try ClientCertificate(path: path, password: password.map { Secret($0) }, sendsChain: sendsChain)
      .assertion(member: "m", audience: Self.endpoint, clientID: "c-1", now: Self.now)
  }

  func part(_ assertion: String, _ index: Int) throws -> [UInt8] {
    try #require(Base64URL.decode(assertion.split(separator: ".")[index]))
  }

  func object(_ assertion: String, _ index: Int) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(part(assertion, index)))
    return try #require(object as? [String: Any])
  }

  /// openssl takes the signature for one of the key, as PS256 demands it.
  func verify(_ assertion: String, by certificate: TestCertificate) async throws {
    let parts = assertion.split(separator: ".")
    try #require(parts.count == 3)
    try "\(parts[0]).\(parts[1])".write(toFile: certificate.path("signed"), atomically: true, encoding: .utf8)
    try Data(part(assertion, 2)).write(to: URL(filePath: certificate.path("signature")))
    try await certificate.openssl([
      "x509", "-in", certificate.path("cert.pem"), "-pubkey", "-noout", "-out", certificate.path("public.pem"),
    ])
    let said = try await certificate.openssl([
      "dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32", "-sigopt",
      "rsa_mgf1_md:sha256", "-verify", certificate.path("public.pem"), "-signature", certificate.path("signature"),
      certificate.path("signed"),
    ])
    #expect(said.contains("Verified OK"))
  }

  @Test("The assertion is signed as PS256 and says who, for whom and until when")
  func signed() async throws {
    let certificate = try await TestCertificate()
    let assertion = try assertion(certificate.joined("key.pem", "cert.pem"))
    try await verify(assertion, by: certificate)
    let header = try object(assertion, 0)
    #expect(header["alg"] as? String == "PS256")
    #expect(header["typ"] as? String == "JWT")
    #expect(header["x5c"] == nil)
    try await certificate.openssl([
      "x509", "-in", certificate.path("cert.pem"), "-outform", "DER", "-out", certificate.path("cert.der"),
    ])
    let digest = try await certificate.openssl(["dgst", "-sha256", "-r", certificate.path("cert.der")])
    let encoded = try #require(header["x5t#S256"] as? String)
    let thumbprint = try #require(Base64URL.decode(encoded))
    let hex = thumbprint.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    #expect(digest.hasPrefix(hex))
    let claims = try object(assertion, 1)
    #expect(claims["aud"] as? String == Self.endpoint)
    #expect(claims["iss"] as? String == "c-1")
    #expect(claims["sub"] as? String == "c-1")
    #expect(claims["nbf"] as? Int == 1_700_000_000)
    #expect(claims["exp"] as? Int == 1_700_000_600)
    #expect(!assertion.contains("="))
    let other = try object(self.assertion(certificate.path("joined.pem")), 1)
    #expect(claims["jti"] as? String != other["jti"] as? String)
  }

  @Test("Key and certificate may stand in either order, and the key may be encrypted")
  func forms() async throws {
    let certificate = try await TestCertificate()
    try await verify(assertion(certificate.joined("cert.pem", "key.pem")), by: certificate)
    try await certificate.openssl([
      "pkcs8", "-topk8", "-in", certificate.path("key.pem"), "-passout", "pass:hunter2", "-out",
      certificate.path("locked.pem"),
    ])
    let locked = try certificate.joined("cert.pem", "locked.pem")
    try await verify(assertion(locked, password: "hunter2"), by: certificate)
    for password in [nil, "wrong"] {
      let error = #expect(throws: IdentityError.self) { try assertion(locked, password: password) }
      #expect(error?.code == .badSetting)
      #expect(error?.description.contains("AZURE_CLIENT_CERTIFICATE_PASSWORD") == true)
    }
  }

  @Test("PKCS#12 serves too, with its chain as x5c")
  func pkcs12() async throws {
    let certificate = try await TestCertificate()
    let authority = try await TestCertificate()
    for password in ["", "hunter2"] {
      try await certificate.openssl([
        "pkcs12", "-export", "-inkey", certificate.path("key.pem"), "-in", certificate.path("cert.pem"), "-certfile",
        authority.path("cert.pem"), "-passout", "pass:\(password)", "-out", certificate.path("both.pfx"),
      ])
      let assertion = try assertion(
        certificate.path("both.pfx"), password: password.isEmpty ? nil : password, sendsChain: true)
      try await verify(assertion, by: certificate)
      let header = try object(assertion, 0)
      let chain = try #require(header["x5c"] as? [String])
      let expected = try ["cert.pem"].map { try certificate.text($0) } + [authority.text("cert.pem")]
      #expect(chain == expected.map { $0.split(separator: "\n").filter { !$0.contains("-----") }.joined() })
    }
    let error = #expect(throws: IdentityError.self) { try assertion(certificate.path("both.pfx"), password: "wrong") }
    #expect(error?.description.contains("AZURE_CLIENT_CERTIFICATE_PASSWORD") == true)
  }

  @Test("A certificate file that cannot be used is reported with its remedy")
  func unusable() async throws {
    let certificate = try await TestCertificate()
    let other = try await TestCertificate()
    let curve = try await TestCertificate(algorithm: ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
    try certificate.text("key.pem").write(toFile: other.path("key.pem"), atomically: true, encoding: .utf8)
    try "nothing".write(toFile: certificate.path("garbage"), atomically: true, encoding: .utf8)
    try Data([0x30, 1, 2]).write(to: URL(filePath: certificate.path("broken.pfx")))
    for (path, reason) in [
      ("/absent/file", "cannot be read"), (certificate.path("key.pem"), "no certificate"),
      (certificate.path("cert.pem"), "no private key"), (try other.joined("key.pem", "cert.pem"), "matches its key"),
      (try curve.joined("key.pem", "cert.pem"), "not an RSA key"), (certificate.path("garbage"), "no private key"),
      (certificate.path("broken.pfx"), "neither PEM nor PKCS#12"),
    ] {
      let error = #expect(throws: IdentityError.self) { try assertion(path) }
      #expect(error?.description.contains(reason) == true, "\(error as Any)")
      #expect(error?.description.contains("AZURE_CLIENT_CERTIFICATE_PATH") == true)
    }
  }
}
