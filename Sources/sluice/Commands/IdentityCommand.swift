import Foundation
import Identity
import Jobs

/// `sluice identity token`: shows the identity with which the program signs in to Azure, but never the token.
enum IdentityCommand: Command {
  static let name = "identity"
  static let summary = "`identity token` shows the identity with which the program signs in to Azure"
  static let subcommands = ["token"]
  static let usage = "[--scope SCOPE] [OPTIONS]"
  static let examples = [
    "identity token", "identity token --scope https://ossrdbms-aad.database.windows.net/.default --json",
  ]
  static let options = [
    CommandOption("scope", .value("SCOPE"), "the scope of the token", default: defaultScope), .json, .help,
  ]

  static let defaultScope = "https://storage.azure.com/.default"

  /// The output of `--json`.
  private struct Answer: Encodable {
    let status = "ok"
    let scope: String
    let member: String?
    let clientID: String?
    let expires: Date
    let refresh: Date?
    let claims: Claims?

    enum CodingKeys: String, CodingKey {
      case status, scope, member, expires, refresh, claims
      case clientID = "client_id"
    }
  }

  private struct Claims: Encodable {
    let aud: String?
    let oid: String?
    let appid: String?
    let tid: String?
    let idtyp: String?
  }

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let scope = arguments.value("scope") ?? defaultScope
    let isJSON = arguments.isFlagSet("json")
    return try await Signals.cancelling {
      let tokens = try Wiring.tokens()
      let token = try await tokens.token(for: scope)
      show(scope, token, tokens.serving, asJSON: isJSON)
      return .done
    }
  }

  private static func show(_ scope: String, _ token: AccessToken, _ identity: CredentialIdentity?, asJSON: Bool) {
    let claims = TokenClaims(token)
    if asJSON {
      let answer = Answer(
        scope: scope, member: identity?.member, clientID: identity?.clientID, expires: token.expires,
        refresh: token.refresh,
        claims: claims.map {
          Claims(aud: $0.audience, oid: $0.objectID, appid: $0.applicationID, tid: $0.tenantID, idtyp: $0.identityType)
        })
      if let bytes = try? ReportJSON.line(answer) { Output.bytes(bytes) }
      return
    }
    func line(_ name: String, _ value: String?) {
      Output.line(name.padding(toLength: 16, withPad: " ", startingAt: 0) + (value ?? "not in the token"))
    }
    line("served by", identity?.member ?? "unknown")
    line("scope", scope)
    line("expires", token.expires.formatted(.iso8601))
    guard let claims else {
      Output.line("the token is opaque: its claims cannot be read")
      return
    }
    line("audience", claims.audience)
    line("object id", claims.objectID)
    line("application id", claims.applicationID)
    line("tenant", claims.tenantID)
    if let type = claims.identityType { line("type", type) }
  }
}
