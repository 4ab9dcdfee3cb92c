import Essentials
import Foundation
import HTTPClient

/// An application by the variables `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and a client secret or certificate.
package struct EnvironmentCredential: TokenCredential {
  private enum Setup: Sendable {
    case secret(SignIn, Secret)
    case certificate(SignIn, ClientCertificate)
    case unusable(IdentityError)
  }

  /// `EnvironmentCredential`.
  package let name = "EnvironmentCredential"
  /// `AZURE_CLIENT_ID`.
  package let clientID: String?
  private let wallClock: @Sendable () -> Date
  private let setup: Setup

  init(
    environment: [String: String], authority: Authority, transport: any HTTPTransport, timer: RetryTimer,
    wallClock: @escaping @Sendable () -> Date
  ) {
    clientID = environment["AZURE_CLIENT_ID"]
    self.wallClock = wallClock
    let secret = environment["AZURE_CLIENT_SECRET"].map { Secret($0) }
    let path = environment["AZURE_CLIENT_CERTIFICATE_PATH"]
    let proof = "AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH"
    guard let tenant = environment["AZURE_TENANT_ID"], let clientID, secret != nil || path != nil else {
      var missing = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"].filter { environment[$0] == nil }
      if secret == nil, path == nil { missing.append(proof) }
      let isPartly = missing.count < 3
      let names = missing.joined(separator: " and ")
      setup = .unusable(
        IdentityError(
          .unavailable, member: name, isPartly ? "\(names) not set, though others of its variables are" : "not set up",
          remedy: isPartly ? nil : "It needs AZURE_TENANT_ID, AZURE_CLIENT_ID and \(proof)"))
      return
    }
    guard Authority.isTenant(tenant) else {
      setup = .unusable(Authority.badTenant(member: name))
      return
    }
    let signIn = SignIn(
      member: name, transport: transport, timer: timer, wallClock: wallClock, authority: authority, tenant: tenant,
      clientID: clientID)
    if let secret {
      setup = .secret(signIn, secret)
    } else {
      setup = .certificate(
        signIn,
        ClientCertificate(
          path: path ?? "", password: environment["AZURE_CLIENT_CERTIFICATE_PASSWORD"].map { Secret($0) },
          sendsChain: ["1", "true"].contains(environment["AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"]?.asciiLowercased())))
    }
  }

  /// Signs in as the application.
  /// - Throws: ``IdentityError``, `CancellationError`.
  package func token(for scope: TokenScope) async throws -> AccessToken {
    switch setup {
    case .unusable(let error): throw error
    case .secret(let signIn, let secret):
      return try await signIn.token(for: scope) { .secret(secret) }
    case .certificate(let signIn, let certificate):
      let audience = try signIn.authority.tokenURL(tenant: signIn.tenant).absoluteText
      return try await signIn.token(for: scope) {
        .assertion(
          Secret(
            try certificate.assertion(member: name, audience: audience, clientID: signIn.clientID, now: wallClock())))
      }
    }
  }
}
