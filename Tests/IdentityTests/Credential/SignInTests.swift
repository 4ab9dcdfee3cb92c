import Essentials
import Foundation
import HTTPClient
import TestSupport
import Testing

@testable import Identity

@Suite("Environment and workload identity")
struct SignInTests {
  static let scope = "https://storage.azure.com/.default"
  static let secret = ["AZURE_TENANT_ID": "t-1", "AZURE_CLIENT_ID": "c-1", "AZURE_CLIENT_SECRET": "s+/~= &x"]
  let clock = ManualClock()

  /// The chain of these members alone.
  func chain(
    _ environment: [String: String], _ transport: ScriptedTransport, only: String = "EnvironmentCredential"
  ) throws -> CredentialChain {
    try DefaultCredential.chain(
      environment: environment.merging(["AZURE_TOKEN_CREDENTIALS": only]) { $1 }, transport: transport,
      timer: clock.timer(), wallClock: { clock.now }, command: CommandRunner { _ in .notStarted(reason: "test") })
  }

  func error(
    _ environment: [String: String], _ transport: ScriptedTransport, only: String = "EnvironmentCredential"
  ) async throws -> IdentityError {
    let chain = try chain(environment, transport, only: only)
    let error = await #expect(throws: IdentityError.self) { try await chain.token(for: TokenScope(Self.scope)) }
    return try #require(error)
  }

  @Test("A client secret is sent in the body, encoded, and nowhere else")
  func clientSecret() async throws {
    let transport = ScriptedTransport([.token("abc")])
    let token = try await chain(Self.secret, transport).token(for: TokenScope(Self.scope))
    #expect(token.secret.reveal() == "abc")
    #expect(token.expires == clock.now + 3600)
    let request = try #require(transport.requests.first)
    #expect(request.method == .post)
    #expect(request.url.absoluteText == "https://login.microsoftonline.com/t-1/oauth2/v2.0/token")
    #expect(request.fields["Content-Type"] == "application/x-www-form-urlencoded")
    #expect(
      request.form == [
        "grant_type": "client_credentials", "client_id": "c-1", "scope": Self.scope, "client_secret": "s+/~= &x",
      ])
    #expect(request.bodyText.contains("client_secret=s%2B%2F%7E%3D%20%26x"))
    #expect(request.fields.fields.allSatisfy { !$0.value.contains("s+/") })
  }

  @Test("A certificate signs an assertion for the endpoint that is asked")
  func certificate() async throws {
    let certificate = try await TestCertificate()
    let transport = ScriptedTransport([.json(503, "{}"), .token("abc")])
    let environment = [
      "AZURE_TENANT_ID": "t-1", "AZURE_CLIENT_ID": "c-1", "AZURE_AUTHORITY_HOST": "login.chinacloudapi.cn/",
      "AZURE_CLIENT_CERTIFICATE_PATH": try certificate.joined("key.pem", "cert.pem"),
    ]
    _ = try await chain(environment, transport).token(for: TokenScope(Self.scope))
    let forms = transport.requests.map(\.form)
    #expect(forms[0]["client_secret"] == nil)
    #expect(forms[0]["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
    // Each try has an assertion of its own: one is good for one use.
    #expect(forms[0]["client_assertion"] != forms[1]["client_assertion"])
    let payload = try #require(forms[0]["client_assertion"]?.split(separator: ".").dropFirst().first)
    let claims = String(decoding: Base64URL.decode(payload) ?? [], as: UTF8.self)
    #expect(claims.contains("\"aud\":\"https://login.chinacloudapi.cn/t-1/oauth2/v2.0/token\""))
  }

  @Test(
    "A partly set group is unavailable and names what is missing",
    arguments: ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"])
  func partly(missing: String) async throws {
    let transport = ScriptedTransport([.token()])
    var environment = Self.secret
    environment[missing] = ""
    let error = try await error(environment, transport)
    #expect(error.code == .noCredential)
    #expect(error.attempts.first?.reason.contains(missing) == true)
    #expect(transport.requests.isEmpty)
  }

  @Test(
    "The authority is normalised",
    arguments: ["login.microsoftonline.us", "https://login.microsoftonline.us/", "LOGIN.microsoftonline.us/"])
  func authority(host: String) async throws {
    let transport = ScriptedTransport([.token()])
    let environment = Self.secret.merging(["AZURE_AUTHORITY_HOST": host]) { $1 }
    _ = try await chain(environment, transport).token(for: TokenScope(Self.scope))
    #expect(transport.requests.first?.url.origin == "https://login.microsoftonline.us")
  }

  @Test(
    "A sign-in host without TLS, or a malformed one, is refused before a secret is sent",
    arguments: ["http://login.microsoftonline.com", "ftp://x", "https://", "https://a@b", "https://host/path", "a b"])
  func badAuthority(host: String) {
    let transport = ScriptedTransport([.token()])
    let environment = Self.secret.merging(["AZURE_AUTHORITY_HOST": host]) { $1 }
    let error = #expect(throws: IdentityError.self) { try chain(environment, transport) }
    #expect(error?.code == .badSetting)
    #expect(error?.description.contains("AZURE_AUTHORITY_HOST") == true)
  }

  @Test(
    "A refusal of the service is final, with the remedy to its number",
    arguments: [
      (7_000_215, "AZURE_CLIENT_SECRET"), (7_000_222, "expired"), (700_016, "AZURE_CLIENT_ID"),
      (90_002, "AZURE_TENANT_ID"), (700_027, "certificate"), (70_021, "federated"), (700_213, "subject"),
      (700_211, "issuer"), (500_011, "scope"), (70_011, "scope"), (1_002_012, "scope"), (50_196, "loop"),
    ])
  func refused(code: Int, remedy: String) async throws {
    for body in [
      "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS\(code): no\\r\\nTrace ID: x\",\"error_codes\":[\(code)]}",
      "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS\(code): no\"}",
    ] {
      let transport = ScriptedTransport([.json(401, body)])
      let error = try await error(Self.secret, transport)
      #expect(error.code == .refused)
      #expect(error.serviceCode == code)
      #expect(error.description.contains("AADSTS\(code)"))
      #expect(error.remedy?.contains(remedy) == true)
      #expect(transport.requests.count == 1)
    }
  }

  @Test("A transient refusal is retried, also where only its text says that it is transient")
  func retried() async throws {
    for answer in [
      ClientResponse.Scripted.json(408, ""), .json(429, "{}"), .json(500, "<html>"), .json(503, "{}"),
      .json(400, "{\"error\":\"temporarily_unavailable\"}"),
      .json(400, "{\"error\":\"invalid_request\",\"error_codes\":[90033]}"),
      .json(400, "{\"error\":\"invalid_request\",\"error_description\":\"AADSTS90006: x\"}"),
      .failure(.connectFailed(host: "h", reason: "r")), .failure(.broken(host: "h", reason: "r")),
    ] {
      let transport = ScriptedTransport([answer, .token("abc")])
      #expect(try await chain(Self.secret, transport).token(for: TokenScope(Self.scope)).secret.reveal() == "abc")
    }
  }

  @Test("Retry-After is respected, and what outlasts the budget is an error of the service")
  func retryAfter() async throws {
    let patient = ScriptedTransport([.json(429, "{}", ["Retry-After": "17"]), .token()])
    _ = try await chain(Self.secret, patient).token(for: TokenScope(Self.scope))
    #expect(clock.waits == [.seconds(17)])
    let hopeless = ScriptedTransport([.json(429, "{}", ["Retry-After": "3600"])])
    #expect(try await error(Self.secret, hopeless).code == .unreachable)
    #expect(hopeless.requests.count == 1)
    let down = ScriptedTransport([.json(503, "")])
    let error = try await error(Self.secret, down)
    #expect(error.code == .unreachable)
    #expect(error.description.contains("given up after 6 tries"))
    #expect(down.requests.count == 6)
  }

  @Test("An untrusted certificate of the service ends the sign-in at once")
  func untrusted() async throws {
    let transport = ScriptedTransport([.failure(.untrusted(host: "h", reason: "self-signed"))])
    #expect(try await error(Self.secret, transport).remedy?.contains("trusted roots") == true)
    #expect(transport.requests.count == 1)
  }

  @Test("No secret comes back out of an answer that repeats it")
  func noSecrets() async throws {
    let transport = ScriptedTransport([
      .json(400, "{\"error\":\"bad\",\"error_description\":\"you sent s+/~= &x and eyJhbGciOi.eyJzdWIi.xyz\"}")
    ])
    let text = "\(try await error(Self.secret, transport))"
    for part in ["s+/", "eyJ", "xyz"] { #expect(!text.contains(part), "\(text)") }
  }

  func workload(_ folder: TemporaryDirectory) -> [String: String] {
    [
      "AZURE_TENANT_ID": "t-1", "AZURE_CLIENT_ID": "c-1", "AZURE_FEDERATED_TOKEN_FILE": folder.file("token"),
      "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/", "AZURE_KUBERNETES_TOKEN_PROXY": "https://x",
    ]
  }

  @Test("The federated token is read anew for each request")
  func federated() async throws {
    let folder = try TemporaryDirectory("workload")
    let transport = ScriptedTransport([.token()])
    let chain = try chain(workload(folder), transport, only: "workloadidentitycredential")
    for text in ["one", "two"] {
      try " \(text)\n".write(toFile: folder.file("token"), atomically: true, encoding: .utf8)
      _ = try await chain.token(for: TokenScope(Self.scope))
    }
    #expect(transport.requests.map { $0.form["client_assertion"] } == ["one", "two"])
  }

  @Test("A stale federated token is read once more, and only once")
  func staleFederated() async throws {
    let folder = try TemporaryDirectory("workload")
    let file = folder.file("token")
    try "old".write(toFile: file, atomically: true, encoding: .utf8)
    let stale = "{\"error\":\"invalid_client\",\"error_codes\":[700024]}"
    let transport = ScriptedTransport { _, number in
      try "new".write(toFile: file, atomically: true, encoding: .utf8)
      return try ([.json(401, stale), .token("abc")] as [ClientResponse.Scripted])[number - 1].response()
    }
    let token = try await chain(workload(folder), transport, only: "WorkloadIdentityCredential")
      .token(for: TokenScope(Self.scope))
    #expect(token.secret.reveal() == "abc")
    #expect(transport.requests.map { $0.form["client_assertion"] } == ["old", "new"])
    let hopeless = ScriptedTransport([.json(401, stale)])
    let error = try await error(workload(folder), hopeless, only: "WorkloadIdentityCredential")
    #expect(error.serviceCode == 700_024)
    #expect(hopeless.requests.count == 2)
  }

  @Test("Without one of its variables workload identity is unavailable")
  func unsetVariable() async throws {
    let transport = ScriptedTransport([.token()])
    var environment = workload(try TemporaryDirectory("workload"))
    environment["AZURE_CLIENT_ID"] = nil
    let error = try await error(environment, transport, only: "WorkloadIdentityCredential")
    #expect(error.attempts.first?.reason.contains("AZURE_CLIENT_ID") == true)
    #expect(transport.requests.isEmpty)
  }

  @Test("A federated token file that is set and can't be read, or is empty, ends the chain", arguments: [nil, " \n"])
  func unreadableFile(content: String?) async throws {
    let folder = try TemporaryDirectory("workload")
    try content?.write(toFile: folder.file("token"), atomically: true, encoding: .utf8)
    // Whoever comes next would get a token.
    let transport = ScriptedTransport([.token()])
    let error = try await error(workload(folder), transport, only: "prod")
    #expect(error.code == .badSetting)
    #expect(error.member == "WorkloadIdentityCredential")
    #expect("\(error)".contains("AZURE_FEDERATED_TOKEN_FILE"))
    #expect(transport.requests.isEmpty)
  }
}
