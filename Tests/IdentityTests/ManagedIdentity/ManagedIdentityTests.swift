import Essentials
import Foundation
import HTTPClient
import Testing

@testable import Identity

@Suite("Managed identity")
struct ManagedIdentityTests {
  static let app = ["IDENTITY_ENDPOINT": "http://127.0.0.1:41741/msi/token", "IDENTITY_HEADER": "hunter2"]
  static let answer =
    "{\"access_token\":\"abc\",\"client_id\":\"x\",\"expires_on\":\"1700003600\",\"token_type\":\"Bearer\"}"
  let clock = ManualClock()

  func credential(
    _ environment: [String: String], _ transport: ScriptedTransport, probes: Bool = true
  ) -> ManagedIdentityCredential {
    ManagedIdentityCredential(
      environment: environment, transport: transport, timer: clock.timer(), wallClock: { clock.now }, probes: probes)
  }

  func token(_ credential: ManagedIdentityCredential) async throws -> AccessToken {
    try await credential.token(for: TokenScope("https://storage.azure.com/.default"))
  }

  func error(_ credential: ManagedIdentityCredential) async throws -> IdentityError {
    let error = await #expect(throws: IdentityError.self) { try await token(credential) }
    return try #require(error)
  }

  @Test("The app's endpoint is asked in its form, never by a proxy")
  func appService() async throws {
    let transport = ScriptedTransport([.json(200, Self.answer)])
    let token = try await token(credential(Self.app, transport))
    #expect(token.secret.reveal() == "abc")
    #expect(token.expires == Date(timeIntervalSince1970: 1_700_003_600))
    let request = try #require(transport.requests.first)
    #expect(request.method == .get)
    #expect(request.url.description == "http://127.0.0.1:41741/msi/token")
    #expect(request.query == ["api-version": "2019-08-01", "resource": "https://storage.azure.com"])
    #expect(request.fields["X-IDENTITY-HEADER"] == "hunter2")
    #expect(request.proxy == .never)
  }

  @Test("A user-assigned identity is asked for by AZURE_CLIENT_ID")
  func userAssigned() async throws {
    let transport = ScriptedTransport([.json(200, Self.answer)])
    var environment = Self.app
    environment["IDENTITY_ENDPOINT"] = "http://localhost:42356/msi/token?x=1"
    environment["AZURE_CLIENT_ID"] = "c-1"
    let credential = credential(environment, transport)
    _ = try await token(credential)
    #expect(transport.requests.first?.query["client_id"] == "c-1")
    #expect(transport.requests.first?.query["x"] == "1")
    #expect(credential.serving == CredentialIdentity(member: "ManagedIdentityCredential", clientID: "c-1"))
    let imds = ScriptedTransport([.json(400, "{}"), .token()])
    _ = try await token(self.credential(["AZURE_CLIENT_ID": "c-1"], imds))
    #expect(imds.requests.last?.query["client_id"] == "c-1")
  }

  @Test("The app's endpoint may take some seconds to start")
  func starting() async throws {
    let transport = ScriptedTransport([
      .failure(.connectFailed(host: "127.0.0.1", reason: "refused")), .json(500, ""), .json(200, Self.answer),
    ])
    #expect(try await token(credential(Self.app, transport)).secret.reveal() == "abc")
  }

  @Test(
    "A refusal of the app's endpoint is final and names the remedy, not the header", arguments: [400, 401, 403, 404])
  func refused(status: Int) async throws {
    let transport = ScriptedTransport([.json(status, "{\"statusCode\":\(status),\"message\":\"no hunter2\"}")])
    let error = try await error(credential(Self.app, transport))
    #expect(error.code == .refused)
    #expect(!"\(error)".contains("hunter2"))
    #expect(error.remedy?.contains(status == 401 || status == 403 ? "IDENTITY_HEADER" : "AZURE_CLIENT_ID") == true)
    #expect(transport.requests.count == 1)
  }

  @Test(
    "Platforms are told apart in the vendor's order; those not served say what to use",
    arguments: [
      (app.merging(["IDENTITY_SERVER_THUMBPRINT": "x"]) { $1 }, "Service Fabric"),
      (["IDENTITY_ENDPOINT": "http://x", "IMDS_ENDPOINT": "http://y"], "Azure Arc"),
      (["MSI_ENDPOINT": "http://x", "MSI_SECRET": "y"], "Azure Machine Learning"),
      (["MSI_ENDPOINT": "http://x"], "Cloud Shell"), (["IDENTITY_ENDPOINT": "http://x"], "IDENTITY_HEADER"),
      (["IDENTITY_HEADER": "x"], "IDENTITY_ENDPOINT"),
    ])
  func platforms(environment: [String: String], named: String) async throws {
    let transport = ScriptedTransport([.json(200, Self.answer)])
    let error = try await error(credential(environment, transport))
    #expect(error.code == .unavailable)
    #expect(error.description.contains(named))
    #expect(error.remedy != nil)
    #expect(transport.requests.isEmpty)
  }

  @Test("The app's endpoint wins over the older variables beside it")
  func older() async throws {
    let transport = ScriptedTransport([.json(200, Self.answer)])
    let environment = Self.app.merging(["MSI_ENDPOINT": "http://x", "MSI_SECRET": "y"]) { $1 }
    #expect(try await token(credential(environment, transport)).secret.reveal() == "abc")
  }

  @Test("The metadata service is looked for without its header, then asked with it, never by a proxy")
  func probe() async throws {
    let transport = ScriptedTransport([
      .json(400, "{\"error\":\"invalid_request\"}"),
      .json(200, "{\"access_token\":\"abc\",\"expires_in\":\"86399\",\"expires_on\":\"1700086399\"}"),
    ])
    let token = try await token(credential([:], transport))
    #expect(token.expires == Date(timeIntervalSince1970: 1_700_086_399))
    let (probe, request) = (transport.requests[0], transport.requests[1])
    #expect(probe.fields["Metadata"] == nil)
    #expect(probe.limits.connect == .seconds(1))
    #expect(request.fields["Metadata"] == "true")
    #expect(request.url.description == "http://169.254.169.254/metadata/identity/oauth2/token")
    #expect(request.query == ["api-version": "2018-02-01", "resource": "https://storage.azure.com"])
    #expect(request.limits.connect == .seconds(2))
    #expect([probe.proxy, request.proxy] == [.never, .never])
  }

  @Test("A host without the metadata service costs one request, and none when nothing else was asked for")
  func absent() async throws {
    let down = HTTPClientError.timedOut(.connect, host: "169.254.169.254", seconds: 1)
    let transport = ScriptedTransport([.failure(down)])
    #expect(try await error(credential([:], transport)).code == .unavailable)
    #expect(transport.requests.count == 1)
    let alone = ScriptedTransport([.failure(down), .token("abc")])
    #expect(try await token(credential([:], alone, probes: false)).secret.reveal() == "abc")
    #expect(alone.requests.allSatisfy { $0.fields["Metadata"] == "true" })
  }

  @Test(
    "The metadata service's passing states are waited for by their own schedules",
    arguments: [
      (404, [0, 1.6, 3.2, 6.4, 12.8]), (429, [0, 1.6, 3.2, 6.4, 12.8]), (500, [0, 1.6, 3.2, 6.4, 12.8]),
      (503, [0, 1.6, 3.2, 6.4, 12.8]), (410, [0, 5, 10, 20, 40]),
    ])
  func schedules(status: Int, seconds: [Double]) async throws {
    let transport = ScriptedTransport([.json(status, "{}")])
    let error = try await error(credential([:], transport, probes: false))
    #expect(error.code == .unreachable)
    #expect(transport.requests.count == 6)
    #expect(clock.waits == seconds.map { .milliseconds(Int($0 * 1000)) })
  }

  @Test(
    "Without an identity on the host, or with a proxy in between, the metadata service is unavailable",
    arguments: [
      (400, "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}"),
      (403, "connecting to 169.254.169.254: host unreachable"), (400, "<html>proxy</html>"), (302, ""),
      (200, "<html>welcome</html>"),
    ])
  func unavailable(status: Int, body: String) async throws {
    let transport = ScriptedTransport([.json(status, body)])
    #expect(try await error(credential([:], transport, probes: false)).code == .unavailable)
    #expect(transport.requests.count == 1)
  }

  @Test("Other refusals of the metadata service are final", arguments: [401, 403, 405])
  func finalRefusals(status: Int) async throws {
    let transport = ScriptedTransport([.json(status, "{\"error\":\"no\"}")])
    #expect(try await error(credential([:], transport, probes: false)).code == .refused)
    #expect(transport.requests.count == 1)
  }

  @Test("Another host of the metadata service is taken from its variable")
  func podIdentity() async throws {
    let transport = ScriptedTransport([.token()])
    let environment = ["AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:2579/"]
    _ = try await token(credential(environment, transport))
    #expect(
      transport.requests.last?.url.description == "http://127.0.0.1:2579/metadata/identity/oauth2/token")
    let wrong = credential(["AZURE_POD_IDENTITY_AUTHORITY_HOST": "127.0.0.1"], transport)
    #expect(try await error(wrong).code == .badSetting)
  }
}
