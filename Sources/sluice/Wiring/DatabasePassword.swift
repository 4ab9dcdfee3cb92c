import Database
import Essentials
import Postgres

/// Provides the settings' password or a token, as `PG_AUTH` and the host require. A restore's host may differ from the
/// settings' host.
struct DatabasePassword: PasswordProvider {
  let server: DatabaseServer
  let entra: EntraPassword

  func password(for target: PostgresTarget) async throws -> Secret? {
    isEntra(target) ? try await entra.password(for: target) : server.password
  }

  func password(for target: PostgresTarget, replacing refused: Secret) async throws -> Secret? {
    isEntra(target) ? try await entra.password(for: target, replacing: refused) : nil
  }

  func note(on refused: Secret, for target: PostgresTarget) async -> String? {
    isEntra(target) ? await entra.note(on: refused, for: target) : nil
  }

  private func isEntra(_ target: PostgresTarget) -> Bool { server.authentication(host: target.host) == .entra }
}
