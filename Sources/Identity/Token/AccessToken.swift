public import struct Foundation.Date

/// A bearer token. It prints as `<token>`, however it is printed.
public struct AccessToken: Sendable, Equatable {
  /// The token itself: for the `Authorization` header or a password, and for nothing else.
  public let secretText: String
  /// When the service stops taking it, by the issuer's word.
  public let expires: Date
  /// When the issuer wants a new one to be asked for; nil when it does not say.
  public let refresh: Date?

  /// A token as it was issued.
  public init(secretText: String, expires: Date, refresh: Date? = nil) {
    self.secretText = secretText
    self.expires = expires
    self.refresh = refresh
  }
}

extension AccessToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Always `<token>`.
  public var description: String { "<token>" }
  /// Always `<token>`.
  public var debugDescription: String { "<token>" }
  /// Shows nothing inside.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
