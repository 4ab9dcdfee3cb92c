/// A password or token: text that prints, reflects and interpolates as `<secret>`.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let text: String

  /// Wraps the secret text.
  public init(_ text: String) {
    self.text = text
  }

  /// The text itself, for the one call that needs it.
  public func reveal() -> String { text }

  /// Always `<secret>`.
  public var description: String { "<secret>" }

  /// Always `<secret>`.
  public var debugDescription: String { "<secret>" }

  /// Shows no children, so that `dump` does not print the text.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
