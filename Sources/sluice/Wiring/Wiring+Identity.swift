import Foundation
import HTTPClient
import Identity
import Lake
import Postgres
import Sluice

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
      throw JobError(.invalid, code: "bad_setting", "\(field): \(error)", field: field)
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
      settings: settings,
      entra: EntraPassword(authorityHost: environment["AZURE_AUTHORITY_HOST"]) { try tokens() })
  }

  /// Asks for a token of each kind that the settings need; nil when they need none.
  static func tokenCheck(_ settings: Settings) throws -> (@Sendable () async throws -> Void)? {
    var scopes: [String] = []
    if needsLakeToken(settings) { scopes.append(ADLSCredential.scope) }
    if let host = settings.pgHost, settings.authentication(host: host) == .entra {
      scopes.append(
        (DatabaseCloud(hosts: host) ?? DatabaseCloud(authorityHost: environment["AZURE_AUTHORITY_HOST"])).scope)
    }
    guard !scopes.isEmpty else { return nil }
    let wanted = scopes
    return {
      do {
        for scope in wanted { _ = try await tokens().token(for: scope) }
      } catch let error as IdentityError {
        throw JobError(identity: error)
      }
    }
  }
}
