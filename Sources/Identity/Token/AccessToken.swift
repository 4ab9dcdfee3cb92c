import Essentials
public import struct Foundation.Date

/// A bearer token.
public struct AccessToken: Sendable, Equatable {
  /// The token itself: for the `Authorization` header or a password, and for nothing else.
  package let secret: Secret
  /// When the service stops taking it, by the issuer's word.
  public let expires: Date
  /// When the issuer wants a new one to be asked for; nil when it does not say.
  public let refresh: Date?

  package init(_ secret: Secret, expires: Date, refresh: Date? = nil) {
    self.secret = secret
    self.expires = expires
    self.refresh = refresh
  }
}
