/// Gives the password for a new connection. It is asked once for each connection, so that a short-lived token is fresh.
public protocol PasswordProvider: Sendable {
  /// The password for `target`, or nil to connect without one (peer, trust, certificate).
  func password(for target: PostgresTarget) async throws -> Secret?
}

/// A password known beforehand, or none.
public struct FixedPassword: PasswordProvider {
  private let secret: Secret?

  /// Always gives `secret`.
  public init(_ secret: Secret?) {
    self.secret = secret
  }

  /// The password given at creation.
  public func password(for target: PostgresTarget) -> Secret? { secret }
}
