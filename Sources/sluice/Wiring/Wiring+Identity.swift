import Configuration
import Foundation
import HTTPClient
import Identity
import Lake
import Postgres
import Reporting

extension Wiring {
  /// What sends requests; one for all, but for a lake with `rootsFile`, roots that are trusted beside the system's.
  /// - Throws: ``JobError`` `bad_setting`.
  static func transport(rootsFile: String? = nil) throws -> any HTTPTransport {
    guard let rootsFile else { return try sharedTransport.get() }
    return try client(HTTPClientConfiguration(additionalRootsFile: rootsFile), field: "LAKE_CA_FILE")
  }

  private static let sharedTransport = Result { try client(HTTPClientConfiguration(), field: "SSL_CERT_FILE") }

  private static func client(_ configuration: HTTPClientConfiguration, field: String) throws -> HTTPClient {
    var configuration = configuration
    configuration.takeProxy(from: environment)
    configuration.takeRoots(from: environment)
    do {
      return try HTTPClient(configuration: configuration)
    } catch {
      throw JobError(.badSetting, "\(error)", field: field)
    }
  }

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
      server: settings.server,
      entra: EntraPassword(authorityHost: environment["AZURE_AUTHORITY_HOST"]) { try tokens() })
  }
}
