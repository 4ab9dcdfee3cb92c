package import Essentials

/// Gives the password for a new connection. It is asked once for each connection, so that a short-lived token is fresh.
package protocol PasswordProvider: Sendable {
  /// The password for `target`, or nil to connect without one (peer, trust, certificate).
  func password(for target: PostgresTarget) async throws -> Secret?

  /// Another password after the server refused `refused`, or nil when there is no other. Asked once for each connection.
  func password(for target: PostgresTarget, replacing refused: Secret) async throws -> Secret?

  /// What an operator should know of `refused` when the server refused it for good; never any of its text.
  func note(on refused: Secret, for target: PostgresTarget) async -> String?
}

extension PasswordProvider {
  /// None: a fixed password stays as it is.
  package func password(for target: PostgresTarget, replacing refused: Secret) async throws -> Secret? { nil }

  /// None.
  package func note(on refused: Secret, for target: PostgresTarget) async -> String? { nil }
}

/// A password known beforehand, or none.
package struct FixedPassword: PasswordProvider {
  private let secret: Secret?

  /// Always gives `secret`.
  package init(_ secret: Secret?) {
    self.secret = secret
  }

  /// The password given at creation.
  package func password(for target: PostgresTarget) -> Secret? { secret }
}
