package import Essentials

package import struct Foundation.Date

/// A bearer token.
package struct AccessToken: Sendable, Equatable {
  /// The token itself: for the `Authorization` header or a password, and for nothing else.
  package let secret: Secret
  /// When the service stops taking it, by the issuer's word.
  package let expires: Date
  /// When the issuer wants a new one to be asked for; nil when it does not say.
  package let refresh: Date?

  package init(_ secret: Secret, expires: Date, refresh: Date? = nil) {
    self.secret = secret
    self.expires = expires
    self.refresh = refresh
  }
}

/// What hands out bearer tokens: ``TokenCache``, or a test's stand-in for it.
package protocol TokenSource: Sendable {
  /// A token for a scope such as `https://storage.azure.com/.default`, from memory where one serves.
  ///
  /// Throws ``IdentityError``, or `CancellationError`.
  func token(for scope: String) async throws -> AccessToken

  /// A token for the scope that is not `rejected`: the service did not take it. One request at most, however many ask.
  ///
  /// Throws as `token(for:)` does.
  func token(for scope: String, replacing rejected: AccessToken) async throws -> AccessToken
}
