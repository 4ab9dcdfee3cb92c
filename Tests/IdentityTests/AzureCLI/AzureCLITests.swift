import Essentials
import Foundation
import TestSupport
import Testing

@testable import Identity

@Suite("Azure CLI")
struct AzureCLITests {
  /// A folder with an `az` that is this shell script, which may write to `$OUT`, the folder's `out`.
  ///
  /// Another process writes it: a child that a test beside this one starts would inherit our descriptor for a moment, and
  /// a file that is open for writing can't be run (ETXTBSY).
  func folder(_ script: String) async throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory("az")
    try await runChecked(
      "/bin/sh", ["-c", "cat > \"$0\" && chmod 755 \"$0\"", folder.file("az")],
      input: "#!/bin/sh\nOUT=${0%/*}/out\n\(script)\n")
    return folder
  }

  func token(
    _ folder: TemporaryDirectory, _ environment: [String: String] = [:], command: CommandRunner = .system
  ) async throws -> AccessToken {
    let environment = ["PATH": "relative:\(folder.path):/usr/bin:/bin"].merging(environment) { $1 }
    return try await AzureCLICredential(environment: environment, command: command)
      .token(for: TokenScope("https://storage.azure.com/.default"))
  }

  func error(_ script: String, _ environment: [String: String] = [:]) async throws -> IdentityError {
    let folder = try await folder(script)
    let error = await #expect(throws: IdentityError.self) { try await token(folder, environment) }
    return try #require(error)
  }

  @Test("az is called with a list of arguments, an empty input, /bin as its folder and no colours")
  func call() async throws {
    let folder = try await folder(
      """
      cat > "$OUT.input"
      for word in "$@"; do echo "$word"; done > "$OUT"
      [ . -ef /bin ] && echo /bin >> "$OUT"; echo "$AZURE_CORE_NO_COLOR" >> "$OUT"; env > "$OUT.env"
      echo '{"accessToken":"abc","expiresOn":"2020-01-01 00:00:00.000000","expires_on":1769862896}'
      """)
    let token = try await token(folder, ["AZURE_TENANT_ID": "t-1.example"])
    #expect(token.secret.reveal() == "abc")
    #expect(token.expires == Date(timeIntervalSince1970: 1_769_862_896))
    let said = try String(contentsOfFile: folder.file("out"), encoding: .utf8)
    #expect(
      said.split(separator: "\n") == [
        "account", "get-access-token", "--output", "json", "--resource", "https://storage.azure.com", "--tenant",
        "t-1.example", "/bin", "true",
      ])
    #expect(try String(contentsOfFile: folder.file("out.input"), encoding: .utf8).isEmpty)
  }

  @Test("az gets the variables it needs, and none of this program's keys, passwords and connection strings")
  func environment() async throws {
    let folder = try await folder("env > \"$OUT\"; echo '{\"accessToken\":\"abc\",\"expires_on\":1769862896}'")
    let secret = [
      "PG_PASSWORD", "SLUICE_KEY", "AZURE_STORAGE_KEY", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN",
      "AzureWebJobsStorage", "APPLICATIONINSIGHTS_CONNECTION_STRING", "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
      "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "IDENTITY_HEADER", "MSI_SECRET", "LAKE_URL", "MY_SAS",
      "CUSTOMCONNSTR_other", "azure_core_x",
    ]
    let needed = [
      "HOME", "LANG", "LC_ALL", "AZURE_CONFIG_DIR", "AZURE_CORE_COLLECT_TELEMETRY", "HTTPS_PROXY", "no_proxy",
      "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE",
    ]
    var environment = Dictionary(secret.map { ($0, "hunter2") }, uniquingKeysWith: { first, _ in first })
    for name in needed { environment[name] = "value-of-\(name)" }
    _ = try await token(folder, environment)
    let given = try String(contentsOfFile: folder.file("out"), encoding: .utf8).split(separator: "\n")
    #expect(!given.contains { $0.contains("hunter2") }, "\(given)")
    for name in needed { #expect(given.contains("\(name)=value-of-\(name)"), "\(name)") }
  }

  @Test("The local time without a zone that an older az gives is read")
  func localTime() throws {
    let zone = try #require(TimeZone(identifier: "Asia/Kolkata"))
    #expect(
      AzureCLICredential.localDate("2023-11-15 03:43:20.000000", zone: zone)
        == Date(timeIntervalSince1970: 1_700_000_000))
    #expect(AzureCLICredential.localDate("tomorrow") == nil)
  }

  @Test(
    "Without az, or with nobody signed in, it is unavailable",
    arguments: ["exit 127", "echo \"Please run 'az login' to setup account.\" >&2; exit 1"])
  func unavailable(script: String) async throws {
    #expect(try await error(script).code == .unavailable)
    let none = await #expect(throws: IdentityError.self) {
      try await AzureCLICredential(environment: ["PATH": "/nowhere:."]).token(for: TokenScope("r/.default"))
    }
    #expect(none?.code == .unavailable)
  }

  @Test("A failure shows what az said, and no token")
  func failure() async throws {
    let error = try await error(
      "echo 'AADSTS90002: run az login {\"accessToken\": \"opaque\"} eyJabc.def.ghi' >&2; exit 1")
    #expect(error.code == .refused)
    #expect(error.serviceCode == 90_002)
    for part in ["opaque", "eyJ"] { #expect(!"\(error)".contains(part), "\(error)") }
    let broken = try await self.error("echo '{\"accessToken\": \"hunter2\"}'")
    #expect(broken.code == .malformedAnswer)
    #expect(!"\(broken)".contains("hunter2"))
  }

  @Test(
    "A tenant that could be taken for an option is not passed on", arguments: ["--debug", "a b", "a;b", "a/b", ".."])
  func tenant(tenant: String) async throws {
    let error = try await error(
      "echo '{\"accessToken\":\"abc\",\"expires_on\":1769862896}'", ["AZURE_TENANT_ID": tenant])
    #expect(error.code == .badSetting)
  }

  @Test("An az that takes too long is ended")
  func timeLimit() async throws {
    let folder = try await folder("exec sleep 600")
    // No time at all: that it is over does not depend on the machine. How a group is ended, the next test shows.
    let hurried = CommandRunner { call in
      #expect(call.limit == .seconds(10))
      var call = call
      call.limit = .zero
      return try await CommandRunner.system.run(call)
    }
    let error = await #expect(throws: IdentityError.self) { try await token(folder, command: hurried) }
    #expect(error?.code == .unreachable)
  }

  @Test("Cancelling ends az with all it started")
  func cancelled() async throws {
    let folder = try await folder("sleep 600 & echo $! > \"$OUT.new\"; mv \"$OUT.new\" \"$OUT\"; wait")
    let pidFile = folder.file("out")
    let task = Task { try await token(folder) }
    try await eventually { FileManager.default.fileExists(atPath: pidFile) }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    let text = try String(contentsOfFile: pidFile, encoding: .utf8)
    let pid = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    try await eventually { !Self.runs(pid) }
  }

  @Test("What az leaves running behind it does not hold up its answer")
  func leftBehind() async throws {
    let folder = try await folder(
      "sleep 600 & echo $! > \"$OUT\"; echo '{\"accessToken\":\"abc\",\"expires_on\":1769862896}'")
    #expect(try await token(folder).secret.reveal() == "abc")
    let text = try String(contentsOfFile: folder.file("out"), encoding: .utf8)
    if let pid = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)) { kill(pid, SIGKILL) }
  }

  /// Whether a process is there and no zombie: in a container nobody may collect the orphans.
  private static func runs(_ pid: Int32) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
    return !stat.contains(") Z ")
  }
}
