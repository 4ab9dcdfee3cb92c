import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// The program signed in by an Azure CLI of the test's own.
  @Suite("The identity command and Entra tokens")
  struct Identity {
    /// Three kilobytes and a half, as tokens with many groups are, with these claims.
    private static func token(_ claims: String) -> String {
      func part(_ text: String) -> String {
        Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
          .replacing("=", with: "")
      }
      let padding = String(repeating: "g", count: 2500)
      let payload = "{\"groups\":\"\(padding)\",\(claims)}"
      return ["{\"alg\":\"RS256\"}", payload, "sig"].map(part).joined(separator: ".")
    }

    private static let claims = """
      "aud":"https://ossrdbms-aad.database.windows.net","oid":"o-1","appid":"a-1","tid":"t-1","exp":4102444800,\
      "idtyp":"app"
      """

    /// Settings under which `az` prints this.
    private func environment(_ folder: TemporaryDirectory, az: String) async throws -> [String: String] {
      try await runChecked(
        "/bin/sh", ["-c", "cat > \"$0\" && chmod 755 \"$0\"", folder.file("az")], input: "#!/bin/sh\n\(az)\n")
      return ["PATH": "\(folder.path):/usr/bin:/bin", "AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"]
    }

    private func printing(_ token: String) -> String {
      "echo '{\"accessToken\":\"\(token)\",\"expires_on\":4102444800}'; echo \"$@\" >> \"$0.calls\""
    }

    @Test("A token is shown by its claims, never itself")
    func claims() async throws {
      let site = try await Site(withDatabase: false)
      let folder = try TemporaryDirectory("az")
      let token = Self.token(Self.claims)
      let environment = try await environment(folder, az: printing(token))
      let text = try await site.sluice(["identity", "token"], environment)
      #expect(text.status == 0, "\(text.errors)")
      for part in ["AzureCliCredential", "https://storage.azure.com/.default", "o-1", "a-1", "t-1", "2100-01-01"] {
        #expect(text.output.contains(part), "\(text.output)")
      }
      let json = try await site.sluice(["identity", "token", "--json", "--scope", "https://x/.default"], environment)
      let answer = try JSONValue(json.output)
      #expect(answer["status"].text == "ok")
      #expect(answer["member"].text == "AzureCliCredential")
      #expect(answer["scope"].text == "https://x/.default")
      #expect(answer["claims"]["oid"].text == "o-1")
      for result in [text, json] { #expect(!(result.output + result.errors).contains("eyJ")) }
      let calls = try String(contentsOfFile: folder.file("az.calls"), encoding: .utf8)
      #expect(calls.contains("--resource https://storage.azure.com\n"))
      #expect(calls.contains("--resource https://x\n"))
    }

    @Test("An opaque token is reported as opaque")
    func opaque() async throws {
      let site = try await Site(withDatabase: false)
      let folder = try TemporaryDirectory("az")
      let result = try await site.sluice(["identity", "token"], environment(folder, az: printing("hunter2")))
      #expect(result.status == 0)
      #expect(result.output.contains("opaque"))
      #expect(!result.output.contains("hunter2"))
    }

    @Test("Without an identity, every credential that was tried is listed")
    func noIdentity() async throws {
      let site = try await Site(withDatabase: false)
      let folder = try TemporaryDirectory("az")
      let more = try await environment(folder, az: "echo \"Please run 'az login'\" >&2; exit 1")
      let result = try await site.sluice(["identity", "token", "--json"], more)
      #expect(result.status == 1)
      #expect(result.errors.contains("AzureCliCredential: nobody is signed in"))
      #expect(result.errors.contains("az login"))
      #expect(try JSONValue(result.output)["error"]["code"].text == "no_credential")
      let wrong = try await site.sluice(["identity", "token"], ["AZURE_TOKEN_CREDENTIALS": "nobody"])
      #expect(wrong.status == 2)
      #expect(wrong.errors.contains("AZURE_TOKEN_CREDENTIALS"))
    }

    @Test("A token is the password of the database")
    func databasePassword() async throws {
      let server = try await PostgresServer(plainMethod: "password")
      defer { server.stop() }
      let site = try await Site(server: server)
      try await site.makeClicks(10)
      let token = Self.token(Self.claims)
      try await site.sql(
        """
        ALTER ROLE plain PASSWORD '\(token)';
        GRANT USAGE ON SCHEMA events TO plain;
        GRANT SELECT ON events.clicks TO plain;
        """)
      let folder = try TemporaryDirectory("az")
      let more = try await environment(folder, az: printing(token)).merging(
        ["PG_USER": "plain", "PG_AUTH": "entra"]
      ) { $1 }
      let backup = ["backup", "--table", "events.clicks", "--date", "2024-01-01"]
      let result = try await site.sluice(backup, more)
      #expect(result.status == 0, "\(result.errors)")
      let calls = try String(contentsOfFile: folder.file("az.calls"), encoding: .utf8)
      #expect(calls.contains("--resource https://ossrdbms-aad.database.windows.net\n"))

      // The server does not take it any more: the error says whose it was.
      try await site.sql("ALTER ROLE plain PASSWORD 'other'")
      let refused = try await site.sluice(backup + ["--overwrite"], more)
      #expect(refused.status == 1)
      for part in [
        "database_sign_in_failed", "role plain", "client id a-1", "object id o-1",
        "https://ossrdbms-aad.database.windows.net", " s left",
      ] { #expect(refused.errors.contains(part), "\(refused.errors)") }
      #expect(!refused.errors.contains("eyJ"))
    }

    @Test("A token is not sent to a server whose certificate is not verified")
    func unverified() async throws {
      let site = try await Site(withDatabase: false)
      let folder = try TemporaryDirectory("az")
      let more = try await environment(folder, az: printing("hunter2")).merging([
        "PG_HOST": "db.postgres.database.azure.com", "PG_SSLMODE": "require",
      ]) { $1 }
      let result = try await site.sluice(["backup", "--table", "events.clicks", "--date", "2024-01-01"], more)
      #expect(result.status == 2, "\(result.errors)")
      #expect(result.errors.contains("verify-full"))
      #expect(!FileManager.default.fileExists(atPath: folder.file("az.calls")))
    }
  }
}
