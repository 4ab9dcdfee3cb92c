import Foundation
import LakeEmulator
import TestSupport
import Testing

/// The endpoints that give tokens, seen from a client.
@Suite("The emulator: tokens") struct TokenTests {
  private let resource = "resource=https%3A%2F%2Fstorage.azure.com"
  let lake: LakeClient

  init() throws { lake = try LakeClient() }

  private func get(_ target: String, _ headers: [(name: String, value: String)] = []) async throws -> HTTPAnswer {
    try await HTTPCall("GET", target, headers: headers).send(port: lake.emulator.port)
  }

  @Test("The App Service endpoint gives a token that the storage accepts, and checks each parameter")
  func appService() async throws {
    let header = [(name: "X-IDENTITY-HEADER", value: lake.emulator.options.identityHeader)]
    let target = "/msi/token?api-version=2019-08-01&\(resource)"
    let answer = try await get(target, header)
    #expect(answer.status == 200)
    let token = try #require(answer.json["access_token"] as? String)
    #expect(answer.json["expires_on"] is String && answer.json["expires_in"] == nil)
    #expect(answer.json["token_type"] as? String == "Bearer")
    #expect(try await lake.call("GET", "lake/f", ["Authorization": "Bearer \(token)"]).outcome == "404 PathNotFound")
    // The platform gives the same one again.
    #expect(try await get(target, header).json["access_token"] as? String == token)
    #expect(try await get(target).status == 401)
    #expect(try await get(target.replacing("2019-08-01", with: "2017-09-01"), header).status == 400)
    #expect(try await get(target + "&client_id=nobody", header).json["statusCode"] as? Int == 400)
    #expect(try await get(target + "&client_id=\(lake.emulator.options.clientID)", header).status == 200)
    #expect(try await get("/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fno.such", header).status == 400)
    #expect(lake.emulator.journal().tokenRequests == 7)
  }

  @Test("The metadata endpoint (IMDS) demands its header, and can be throttled")
  func imds() async throws {
    let target = "/metadata/identity/oauth2/token?api-version=2018-02-01&\(resource)"
    let metadata = [(name: "Metadata", value: "true")]
    let answer = try await get(target, metadata)
    #expect(answer.status == 200)
    for name in ["expires_in", "expires_on", "not_before", "access_token"] { #expect(answer.json[name] is String) }
    #expect(try await get(target).status == 400)
    #expect(try await get(target, metadata + [(name: "X-Forwarded-For", value: "1.2.3.4")]).status == 400)
    let nobody = try await get(target + "&client_id=nobody", metadata)
    #expect(nobody.status == 400 && nobody.json["error_description"] as? String == "Identity not found")
    let id = lake.emulator.options.resourceID.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    #expect(try await get(target + "&msi_res_id=\(id)", metadata).status == 200)
    lake.emulator.setFaults([Fault(.imdsThrottled, .first(1), seconds: 2), Fault(.imdsGone, .first(2))])
    let throttled = try await get(target, metadata)
    #expect(throttled.status == 429 && throttled.headers["retry-after"] == "2")
    #expect(try await get(target, metadata).status == 410)
  }

  private func login(
    _ fields: [String: String], tenant: String? = nil, to emulator: Emulator? = nil
  ) async throws -> HTTPAnswer {
    let emulator = emulator ?? lake.emulator
    let all = [
      "grant_type": "client_credentials", "client_id": emulator.options.clientID,
      "scope": "https://storage.azure.com/.default",
    ].merging(fields) { $1 }
    let form = all.map { "\($0.key)=\($0.value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" }
    let tenant = tenant ?? emulator.options.tenant
    return try await HTTPCall(
      "POST", "/\(tenant)/oauth2/v2.0/token", headers: [("Content-Type", "application/x-www-form-urlencoded")],
      body: form.joined(separator: "&")
    ).send(port: emulator.port)
  }

  @Test("A client secret gives a token, and each mistake the code that Entra gives")
  func clientSecret() async throws {
    let secret = ["client_secret": lake.emulator.options.clientSecret]
    let answer = try await login(secret)
    #expect(answer.status == 200 && answer.json["expires_in"] as? Int == 86_400)
    let token = try #require(answer.json["access_token"] as? String)
    #expect(try await lake.call("GET", "lake/f", ["Authorization": "Bearer \(token)"]).status == 404)

    func codes(_ answer: HTTPAnswer) -> [Int] {
      let codes = answer.json["error_codes"] as? [Int] ?? []
      let text = answer.json["error_description"] as? String ?? ""
      return text.hasPrefix("AADSTS\(codes.first ?? 0): ") ? [answer.status] + codes : []
    }
    #expect(codes(try await login(["client_secret": "wrong"])) == [401, 7_000_215])
    #expect(codes(try await login(secret.merging(["client_id": "x"]) { $1 })) == [400, 700016])
    #expect(codes(try await login(secret, tenant: "elsewhere")) == [400, 90002])
    #expect(codes(try await login(secret.merging(["scope": "https://no.such/.default"]) { $1 })) == [400, 500011])
    #expect(codes(try await login(secret.merging(["scope": "https://storage.azure.com"]) { $1 })) == [400, 1_002_012])
    #expect(codes(try await login(secret.merging(["scope": ""]) { $1 })) == [400, 70011])
    #expect(codes(try await login(secret.merging(["grant_type": "password"]) { $1 })) == [400, 70003])
    #expect(codes(try await login([:])) == [401, 7_000_218])
  }

  @Test("An assertion is checked against the certificate, its audience and its times")
  func clientAssertion() async throws {
    let folder = try TemporaryDirectory()
    try await runChecked(
      "/usr/bin/openssl",
      [
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test", "-keyout",
        folder.file("key.pem"), "-out", folder.file("cert.pem"),
      ])
    try "a.federated.token\n".write(toFile: folder.file("federated"), atomically: true, encoding: .utf8)
    var options = EmulatorOptions()
    options.clientCertificate = folder.file("cert.pem")
    options.federatedTokenFile = folder.file("federated")
    let emulator = try Emulator(options)

    func assertion(_ algorithm: String, _ changes: [String: Any] = [:]) async throws -> [String: String] {
      try await ClientAssertion(folder: folder, options: options).fields(algorithm, changes)
    }
    func code(_ fields: [String: String]) async throws -> Int {
      (try await login(fields, to: emulator).json["error_codes"] as? [Int])?.first ?? 0
    }
    #expect(try await login(assertion("PS256"), to: emulator).status == 200)
    #expect(try await login(assertion("RS256"), to: emulator).status == 200)
    #expect(try await code(assertion("PS256", ["exp": 1_000_000_000])) == 700024)
    #expect(try await code(assertion("PS256", ["aud": "https://elsewhere"])) == 700023)
    #expect(try await code(assertion("PS256", ["iss": "another"])) == 70021)
    var forged = try await assertion("PS256")
    forged["client_assertion"]? += "AA"
    #expect(try await code(forged) == 700027)
    let federated = forged.merging(["client_assertion": "a.federated.token"]) { $1 }
    #expect(try await login(federated, to: emulator).status == 200)
    #expect(try await code(forged.merging(["client_assertion": "nothing"]) { $1 }) == 50027)
  }

  @Test("Discovery leads client libraries to the token endpoint")
  func discovery() async throws {
    let tenant = lake.emulator.options.tenant
    let found = try await get("/\(tenant)/v2.0/.well-known/openid-configuration")
    #expect((found.json["token_endpoint"] as? String)?.hasSuffix("/\(tenant)/oauth2/v2.0/token") == true)
    let instance = try await get("/common/discovery/instance?api-version=1.1")
    #expect((instance.json["tenant_discovery_endpoint"] as? String)?.contains(tenant) == true)
  }
}

/// An assertion that `cert.pem` of a folder proves, made by openssl and not by the emulator's code.
private struct ClientAssertion {
  let folder: TemporaryDirectory
  let options: EmulatorOptions

  private func base64URL(_ data: Data) -> String {
    data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  private func thumbprint(_ digest: String) async throws -> String {
    let line = try await runChecked(
      "/usr/bin/openssl", ["x509", "-in", folder.file("cert.pem"), "-noout", "-fingerprint", "-\(digest)"])
    let hex = line.split(separator: "=").last?.split(separator: ":") ?? []
    return base64URL(Data(hex.compactMap { UInt8($0.trimmingCharacters(in: .whitespacesAndNewlines), radix: 16) }))
  }

  /// The fields of a sign-in, with `changes` to the claims.
  func fields(_ algorithm: String, _ changes: [String: Any]) async throws -> [String: String] {
    let isPSS = algorithm == "PS256"
    let name = isPSS ? "x5t#S256" : "x5t"
    let header = ["alg": algorithm, "typ": "JWT", name: try await thumbprint(isPSS ? "sha256" : "sha1")]
    let now = Int(Date().timeIntervalSince1970)
    let claims: [String: Any] = [
      "aud": "http://127.0.0.1/\(options.tenant)/oauth2/v2.0/token", "iss": options.clientID,
      "sub": options.clientID, "jti": "1", "nbf": now, "exp": now + 600,
    ]
    let parts = [header, claims.merging(changes) { $1 }] as [Any]
    let text = try parts.map { base64URL(try JSONSerialization.data(withJSONObject: $0)) }.joined(separator: ".")
    try text.write(toFile: folder.file("text"), atomically: true, encoding: .utf8)
    let padding = isPSS ? ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] : []
    try await runChecked(
      "/usr/bin/openssl",
      ["dgst", "-sha256", "-sign", folder.file("key.pem")] + padding
        + ["-out", folder.file("signature"), folder.file("text")])
    let signature = FileManager.default.contents(atPath: folder.file("signature")) ?? Data()
    return [
      "client_assertion": "\(text).\(base64URL(signature))",
      "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    ]
  }
}
