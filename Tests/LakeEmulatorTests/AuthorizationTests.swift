import Foundation
import LakeEmulator
import TestSupport
import Testing

@Suite("The emulator: authorization") struct AuthorizationTests {
  private static let keyBytes = Array("0123456789abcdef".utf8)
  let lake: LakeClient

  init() throws {
    lake = try LakeClient { $0.key = Data(Self.keyBytes).base64EncodedString() }
  }

  /// By another program than the emulator's own code.
  private func sign(_ text: String) async throws -> String {
    let hexKey = Self.keyBytes.map { String($0, radix: 16) }.joined()
    let hex = try await runChecked(
      "/usr/bin/openssl", ["dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:\(hexKey)", "-r"], input: text
    ).prefix(64)
    let bytes = stride(from: 0, to: 64, by: 2).compactMap { UInt8(hex.dropFirst($0).prefix(2), radix: 16) }
    return Data(bytes).base64EncodedString()
  }

  private func date(_ offset: Double = 0) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return formatter.string(from: Date(timeIntervalSinceNow: offset))
  }

  private func encoded(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
  }

  @Test("A request without credentials gets a challenge that names the authority and the resource")
  func challenge() async throws {
    let answer = try await lake.call("GET", "lake/f", ["Authorization": ""])
    #expect(answer.outcome == "401 NoAuthenticationInformation")
    let challenge = try #require(answer.headers["www-authenticate"])
    #expect(challenge.hasPrefix("Bearer authorization_uri="))
    #expect(challenge.hasSuffix("resource_id=https://storage.azure.com"))
  }

  @Test("A token is refused when it is unknown, revoked or for another resource")
  func tokens() async throws {
    let stranger = try await lake.call("GET", "lake/f", ["Authorization": "Bearer a.b.c"])
    #expect(stranger.outcome == "401 InvalidAuthenticationInfo")
    #expect(stranger.headers["www-authenticate"]?.contains("resource_id=") == true)
    let database = lake.emulator.token(audience: "https://ossrdbms-aad.database.windows.net")
    let wrong = try await lake.call("GET", "lake/f", ["Authorization": "Bearer \(database)"])
    #expect(wrong.outcome == "401 InvalidAuthenticationInfo")
    let account = lake.emulator.token(audience: "https://sluicetest.blob.core.windows.net")
    #expect(try await lake.call("GET", "lake/f", ["Authorization": "Bearer \(account)"]).status == 404)
    lake.emulator.revokeTokens()
    #expect(try await lake.call("GET", "lake/f").outcome == "401 InvalidAuthenticationInfo")
    let other = try await lake.call("GET", "lake/f", ["Authorization": "Basic x"])
    #expect(other.outcome == "401 InvalidAuthenticationInfo")
  }

  @Test("An expired token gets 401, and 403 by an old protocol version")
  func expired() async throws {
    lake.emulator.setTokenLifetime(0.01)
    let token = ["Authorization": "Bearer \(lake.emulator.token())"]
    try await eventually { try await lake.call("GET", "lake/f", token).status != 404 }
    #expect(try await lake.call("GET", "lake/f", token).outcome == "401 InvalidAuthenticationInfo")
    let old = token.merging(["x-ms-version": "2018-11-09"]) { $1 }
    #expect(try await lake.call("GET", "lake/f", old).outcome == "403 AuthenticationFailed")
  }

  @Test("A request must name a protocol version that exists")
  func version() async throws {
    #expect(try await lake.call("GET", "lake/f", ["x-ms-version": ""]).outcome == "403 AuthenticationFailed")
    #expect(
      try await lake.call("GET", "lake/f", ["x-ms-version": "2023-11-04"]).outcome == "400 UnsupportedRestVersion")
  }

  @Test("A shared-key signature covers method, path, query, length and fields of the request")
  func sharedKey() async throws {
    let now = date()
    // Written out by hand from "Authorize with Shared Key"; the account stands twice, since it is in the path.
    let text = """
      PATCH


      5

      text/plain






      x-ms-date:\(now)
      x-ms-version:2023-11-03
      /sluicetest/sluicetest/lake/a%20b
      action:append
      position:0
      """
    let headers = [
      "x-ms-date": now, "Content-Type": "text/plain", "Authorization": "SharedKey sluicetest:\(try await sign(text))",
    ]
    let target = "lake/a%20b?position=0&action=append"
    try await lake.create("a%20b")
    #expect(try await lake.call("PATCH", target, headers, body: "hello").outcome == "202")
    // Signed for five bytes.
    #expect(try await lake.call("PATCH", target, headers, body: "hello!").outcome == "403 AuthenticationFailed")
    let other = headers.merging(["x-ms-meta-a": "b"]) { $1 }
    #expect(try await lake.call("PATCH", target, other, body: "hello").outcome == "403 AuthenticationFailed")
    #expect(lake.emulator.journal().authorization.contains("shared_key"))
  }

  @Test(
    "A shared-key request is refused when its date is more than 15 minutes off",
    arguments: [(-14.0 * 60, 404), (-16.0 * 60, 403), (16.0 * 60, 403)])
  func freshness(offset: Double, status: Int) async throws {
    let then = date(offset)
    let text =
      "GET" + String(repeating: "\n", count: 12)
      + "x-ms-date:\(then)\nx-ms-version:2023-11-03\n/sluicetest/sluicetest/lake/f"
    let headers = ["x-ms-date": then, "Authorization": "SharedKey sluicetest:\(try await sign(text))"]
    #expect(try await lake.call("GET", "lake/f", headers).status == status)
  }

  private func fileSignature(_ permissions: String, until end: String, path: String = "d/f") async throws -> String {
    let text =
      "\(permissions)\n\n\(end)\n/blob/sluicetest/lake/\(path)\n\n\n\n2023-11-03\nb\n\n\n\n\n\n\n"
    return "sv=2023-11-03&sr=b&sp=\(permissions)&se=\(encoded(end))&sig=\(encoded(try await sign(text)))"
  }

  @Test("A service SAS is good for its path, its permissions and its time alone")
  func serviceSAS() async throws {
    try await lake.write("d/f", "abc")
    let nobody = ["Authorization": "", "x-ms-version": ""]
    let good = try await fileSignature("r", until: "2099-01-01T00:00:00Z")
    #expect(try await lake.call("GET", "lake/d/f?\(good)", nobody).text == "abc")
    #expect(try await lake.call("GET", "lake/d/g?\(good)", nobody).outcome == "403 AuthenticationFailed")
    let delete = try await lake.call("DELETE", "lake/d/f?\(good)", nobody)
    #expect(delete.outcome == "403 AuthorizationPermissionMismatch")
    let old = try await fileSignature("r", until: "2020-01-01T00:00:00Z")
    #expect(try await lake.call("GET", "lake/d/f?\(old)", nobody).outcome == "403 AuthenticationFailed")
    let forged = good.replacing("sp=r", with: "sp=rd")
    #expect(try await lake.call("DELETE", "lake/d/f?\(forged)", nobody).outcome == "403 AuthenticationFailed")
    let move = try await fileSignature("w", until: "2099-01-01T00:00:00Z", path: "d/g")
    let unsigned = ["x-ms-rename-source": "/lake/d/f"].merging(nobody) { $1 }
    #expect(try await lake.call("PUT", "lake/d/g?\(move)", unsigned).outcome == "403 AuthenticationFailed")
    let signed = ["x-ms-rename-source": "/lake/d/f?\(good)"].merging(nobody) { $1 }
    #expect(try await lake.call("PUT", "lake/d/g?\(move)", signed).outcome == "201")
    #expect(lake.emulator.journal().authorization.isSuperset(of: ["service_sas"]))
  }

  @Test("An account SAS is good for its resource types alone")
  func accountSAS() async throws {
    let end = "2099-01-01T00:00:00Z"
    let text = "sluicetest\nrl\nb\no\n\n\(end)\n\n\n2023-11-03\n\n"
    let query = "sv=2023-11-03&ss=b&srt=o&sp=rl&se=\(encoded(end))&sig=\(encoded(try await sign(text)))"
    let nobody = ["Authorization": ""]
    try await lake.write("f", "abc")
    #expect(try await lake.call("GET", "lake/f?\(query)", nobody).text == "abc")
    let list = try await lake.call("GET", "lake?resource=filesystem&recursive=true&\(query)", nobody)
    #expect(list.outcome == "403 AuthorizationResourceTypeMismatch")
    #expect(lake.emulator.journal().authorization.contains("account_sas"))
  }

  @Test("A denied operation is refused as to a caller without the role")
  func denied() async throws {
    let lake = try LakeClient { $0.denied = [.delete] }
    try await lake.write("f", "x")
    #expect(try await lake.call("DELETE", "lake/f").outcome == "403 AuthorizationPermissionMismatch")
  }
}
