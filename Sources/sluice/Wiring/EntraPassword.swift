import Database
import Essentials
import Foundation
import Identity
import Postgres
import Reporting

/// Provides an Entra access token as the password of a new connection. The server checks it only at the sign-in: a
/// session outlives its token (learn.microsoft.com/azure/postgresql/flexible-server/concepts-azure-ad-authentication).
struct EntraPassword: PasswordProvider {
  /// `AZURE_AUTHORITY_HOST`: determines the cloud of a server with a custom host name.
  let authorityHost: String?
  /// The source of tokens, created at its first use.
  let tokens: @Sendable () throws -> any TokenSource

  func password(for target: PostgresTarget) async throws -> Secret? {
    try await token(target) { try await $0.token(for: $1) }.secret
  }

  func password(for target: PostgresTarget, replacing refused: Secret) async throws -> Secret? {
    // The source identifies a token by its text.
    let rejected = AccessToken(refused, expires: .distantFuture)
    return try await token(target) { try await $0.token(for: $1, replacing: rejected) }.secret
  }

  func note(on refused: Secret, for target: PostgresTarget) async -> String? {
    let scope = scope(target)
    let resource = scope.hasSuffix("/.default") ? String(scope.dropLast(9)) : scope
    let claims = TokenClaims(AccessToken(refused, expires: .distantFuture))
    let identity = claims?.applicationID.map { "client id \($0)" } ?? "an unknown client id"
    let object = claims?.objectID.map { ", object id \($0)" } ?? ""
    let left = claims?.expires.map { "\(Int($0.timeIntervalSinceNow.rounded())) s" } ?? "an unknown time"
    return "the password was an Entra token for role \(target.user), of \(identity)\(object), for \(resource), with "
      + "\(left) left; check that the role exists in exactly this spelling and its security label names that object id "
      + "(docs/identity.md)"
  }

  private func scope(_ target: PostgresTarget) -> String {
    (DatabaseCloud(hosts: target.host) ?? DatabaseCloud(authorityHost: authorityHost)).scope
  }

  private func token(
    _ target: PostgresTarget, _ ask: (any TokenSource, String) async throws -> AccessToken
  ) async throws -> AccessToken {
    // `DatabaseServer.target` refuses this with a longer text. This check guards every way to a token.
    guard target.knowsServer else {
      throw JobError(
        .unverifiedServer,
        "the program never sends a token to \(target.host) with sslmode \(target.sslMode.rawValue); set it to "
          + "verify-full", field: "PG_SSLMODE")
    }
    return try await ask(tokens(), scope(target))
  }
}
