/// A password, key or token: text that prints, reflects and interpolates as `<secret>`.
///
/// A type that holds one needs no redaction of its own: neither its description nor `dump` shows the text.
package struct Secret: Sendable, Hashable {
  private let text: String

  package init(_ text: String) {
    self.text = text
  }

  /// The text itself, for the one call that needs it.
  package func reveal() -> String { text }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Always `<secret>`.
  package var description: String { "<secret>" }
  /// Always `<secret>`.
  package var debugDescription: String { "<secret>" }
  /// Shows no children, so that `dump` does not print the text.
  package var customMirror: Mirror { Mirror(self, children: [:]) }
}
