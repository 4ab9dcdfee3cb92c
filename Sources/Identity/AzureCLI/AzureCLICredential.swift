import Essentials
import Foundation

/// The person who ran `az login`: for a developer's machine.
package struct AzureCLICredential: TokenCredential {
  /// `AzureCliCredential`, as the vendor spells it.
  package let name = "AzureCliCredential"
  /// None: it is a person's.
  package let clientID: String? = nil
  /// It is one.
  package let isDeveloperTool = true
  private let environment: [String: String]
  private let command: CommandRunner

  /// The first call of a day is slow, for it is a Python program that signs in anew.
  static let limit = Duration.seconds(10)

  /// A credential that looks for `az` on the `PATH` of `environment`.
  package init(environment: [String: String], command: CommandRunner = .system) {
    self.environment = environment
    self.command = command
  }

  /// Runs `az account get-access-token`.
  /// - Throws: ``IdentityError``, `CancellationError`.
  package func token(for scope: TokenScope) async throws -> AccessToken {
    guard let program = program() else {
      throw unavailable("there is no az on PATH", "Install the Azure CLI and run 'az login'")
    }
    var arguments = ["account", "get-access-token", "--output", "json", "--resource", scope.resource]
    if let tenant = environment["AZURE_TENANT_ID"] {
      guard Authority.isTenant(tenant) else { throw Authority.badTenant(member: name) }
      arguments += ["--tenant", tenant]
    }
    let result = try await command.run(
      CommandRunner.Call(
        program: program, arguments: arguments, environment: AzureCLIEnvironment.passedOn(environment),
        directory: "/bin", limit: Self.limit))
    switch result {
    case .ended(0, let output, _): return try token(output)
    case .ended(127, _, _): throw unavailable("az could not be run", "Install the Azure CLI")
    case .notStarted(let reason): throw unavailable("az could not be run: \(reason)", "Install the Azure CLI")
    case .ended(_, _, let errors):
      if errors.contains("az login") || errors.contains("az account set"), !errors.contains("AADSTS") {
        throw unavailable("nobody is signed in with the Azure CLI", "Run 'az login'")
      }
      let code = SignInCode.find(in: errors)
      throw IdentityError(
        .refused, member: name, "az failed: \(ServiceText.readable(errors))",
        remedy: code.flatMap(SignInCode.remedy) ?? "Run 'az login'", serviceCode: code)
    case .signalled(let signal): throw IdentityError(.refused, member: name, "az was ended by signal \(signal)")
    case .timedOut:
      throw IdentityError(
        .unreachable, member: name, "az gave no answer within \(Self.limit.seconds) s and was ended",
        remedy: "Run 'az account get-access-token' to see what it waits for")
    }
  }

  /// The first executable `az` in an absolute folder of `PATH`; what lies in a relative one
  /// depends on the current folder.
  private func program() -> String? {
    (environment["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/az" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private func token(_ output: String) throws(IdentityError) -> AccessToken {
    guard let object = TokenAnswer.object(Array(output.utf8)), let text = object["accessToken"]?.string,
      TokenAnswer.isToken(text)
    else {
      throw IdentityError(
        .malformedAnswer, member: name, "az printed no token", remedy: "Update the Azure CLI, and run 'az login'")
    }
    guard
      let expires = TokenAnswer.number(object["expires_on"]).map({ Date(timeIntervalSince1970: $0) })
        ?? Self.localDate(object["expiresOn"]?.string)
    else {
      throw IdentityError(
        .malformedAnswer, member: name, "az does not say when the token expires", remedy: "Update the Azure CLI")
    }
    return AccessToken(Secret(text), expires: expires)
  }

  /// `2026-01-31 12:34:56.000000`, local time without a zone: what versions before 2.54 give alone.
  static func localDate(_ text: String?, zone: TimeZone = .current) -> Date? {
    guard let text else { return nil }
    return TokenAnswer.date(String(text.prefix { $0 != "." }), format: "yyyy-MM-dd HH:mm:ss", zone: zone)
  }

  private func unavailable(_ message: String, _ remedy: String) -> IdentityError {
    IdentityError(.unavailable, member: name, message, remedy: remedy)
  }
}

/// What the Azure CLI is given of this program's environment: what it needs to find its files, its language and its way to
/// the network, and nothing else. An app's settings are variables, so the rest holds this program's own secrets.
enum AzureCLIEnvironment {
  /// Passed on by name.
  private static let names: Set<String> = [
    // Itself, its user and its files.
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LANGUAGE", "AZURE_CONFIG_DIR", "AZURE_EXTENSION_DIR",
    "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH",
    // The network. A proxy's URL may hold a password: without it the CLI reaches nothing, and it opens
    // the proxy alone.
    "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy",
    // The roots it trusts: of Python's requests, and of OpenSSL.
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
  ]

  /// Passed on by how their names begin: the locale, and the CLI's own `[core]` settings.
  private static let prefixes = ["LC_", "AZURE_CORE_"]

  /// The variables of `environment` that are passed on.
  static func passedOn(_ environment: [String: String]) -> [String: String] {
    var passed = environment.filter { name, _ in names.contains(name) || prefixes.contains { name.hasPrefix($0) } }
    passed["AZURE_CORE_NO_COLOR"] = "true"
    return passed
  }
}
