import Foundation
import HTTPClient
import Identity
import Postgres
import Sluice

extension Wiring {
  /// What sends all requests of the program.
  static func transport() throws -> any HTTPTransport { AbsentTransport() }

  /// The one cache of the program's tokens, for the lake and the database alike. It is made when the first token is
  /// wanted: a program that needs none must not fail for a setting of Azure's.
  static func tokens() throws -> TokenCache { try sharedTokens.get() }

  private static let sharedTokens = Result {
    let chain = try DefaultCredential.chain(
      environment: environment, transport: transport(),
      onChoice: { identity, passedOver in
        Log.write(
          .info, "identity",
          [
            "member": identity?.member ?? "unknown", "client_id": identity?.clientID ?? "none set",
            "passed_over": passedOver.map { "\($0.member): \($0.reason)" }.joined(separator: "; "),
          ])
      })
    // A caller may have given up by then, and a token that serves on hides the failure for hours.
    return TokenCache(chain, onFailure: { Log.write(.warning, "no token", ["reason": "\($0)"]) })
  }

  /// How new connections sign in.
  static func passwords(_ settings: Settings) -> any PasswordProvider {
    DatabasePassword(
      settings: settings,
      entra: EntraPassword(authorityHost: environment["AZURE_AUTHORITY_HOST"]) { try tokens() })
  }
}

/// Stands in for the HTTP client in a program without one.
private struct AbsentTransport: HTTPTransport {
  func send(_ request: ClientRequest) async throws -> ClientResponse {
    throw HTTPClientError.invalidConfiguration(reason: "this build has no HTTP client")
  }
}
