import Configuration
import Database
import Foundation
import HTTPClient
import Identity
import Lake
import Postgres
import Reporting

extension Wiring {
  /// The HTTP client. All callers share one, except for a lake with `rootsFile`, a file of additional trusted roots.
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

  /// The program's cache of tokens, for the lake and the database. It is created when the first token is requested: a
  /// program that needs no token must not fail because of a setting of Azure's.
  static func tokens() throws -> TokenCache { try sharedTokens.get() }

  private static let sharedTokens = Result {
    let chain = try DefaultCredential.chain(
      environment: environment, transport: transport(),
      onChoice: { identity, passedOver in
        Log.write(
          .info, "the program signs in with an identity",
          [
            "member": identity?.member ?? "unknown", "client_id": identity?.clientID ?? "none set",
            "passed_over": passedOver.map { "\($0.member): \($0.reason)" }.joined(separator: "; "),
          ])
      })
    // The log must have the failure: the caller may have given up, and an older token that is still valid hides it for
    // hours.
    return TokenCache(chain, onFailure: { Log.write(.warning, "no token was issued", ["reason": "\($0)"]) })
  }

  /// The passwords of new connections.
  static func passwords(_ server: DatabaseServer) -> any PasswordProvider {
    DatabasePassword(
      server: server,
      entra: EntraPassword(authorityHost: environment["AZURE_AUTHORITY_HOST"]) { try tokens() })
  }
}
