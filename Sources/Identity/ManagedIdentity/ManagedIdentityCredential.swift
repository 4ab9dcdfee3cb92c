import Foundation
import HTTPClient

/// The identity that the platform gives to the app or the machine: system-assigned, or the user-assigned one that
/// `AZURE_CLIENT_ID` names.
package struct ManagedIdentityCredential: TokenCredential {
  private enum Endpoint: Sendable {
    case appService(AppServiceEndpoint)
    case imds(IMDSEndpoint)
    case unusable(IdentityError)
  }

  /// `ManagedIdentityCredential`.
  package let name = ManagedIdentitySource.name
  /// `AZURE_CLIENT_ID`; nil is the system-assigned identity.
  package let clientID: String?
  private let endpoint: Endpoint

  /// - Parameter probes: whether the metadata service is looked for quickly before it is asked with patience.
  init(
    environment: [String: String], transport: any HTTPTransport, timer: RetryTimer,
    wallClock: @escaping @Sendable () -> Date, probes: Bool
  ) {
    clientID = environment["AZURE_CLIENT_ID"]
    func request(_ policy: RetryPolicy) -> TokenRequest {
      TokenRequest(
        member: ManagedIdentitySource.name, transport: transport, timer: timer, wallClock: wallClock, policy: policy)
    }
    switch ManagedIdentitySource(environment: environment) {
    case .appService(let url, let header):
      endpoint = .appService(
        AppServiceEndpoint(url: url, header: header, clientID: clientID, request: request(AppServiceEndpoint.policy)))
    case .imds(let url):
      endpoint = .imds(
        IMDSEndpoint(url: url, clientID: clientID, request: request(IMDSEndpoint.policy), probes: probes))
    case .unusable(let error): endpoint = .unusable(error)
    }
  }

  /// Asks the platform's endpoint, never by a proxy.
  /// - Throws: ``IdentityError``, `CancellationError`.
  package func token(for scope: TokenScope) async throws -> AccessToken {
    switch endpoint {
    case .appService(let endpoint): try await endpoint.token(for: scope)
    case .imds(let endpoint): try await endpoint.token(for: scope)
    case .unusable(let error): throw error
    }
  }
}

extension RequestURL {
  /// The URL with more fields in its query.
  func adding(_ fields: [(name: String, value: String)]) throws -> RequestURL {
    let separator = target.contains("?") ? (target.hasSuffix("?") || target.hasSuffix("&") ? "" : "&") : "?"
    return try RequestURL(
      usesTLS: usesTLS, host: host, port: port, target: target + separator + FormEncoding.encode(fields))
  }
}
