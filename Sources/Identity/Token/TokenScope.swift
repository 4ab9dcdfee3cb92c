import Essentials

/// What a token is asked for: `<resource>/.default`.
package struct TokenScope: Sendable, Hashable, CustomStringConvertible {
  /// As the v2 endpoint takes it, such as `https://storage.azure.com/.default`.
  package let text: String

  private static let suffix = "/.default"

  /// Reads a scope.
  /// - Throws: ``IdentityError`` `invalid_scope`: it must end in `/.default` and hold only `A-Z a-z 0-9 . _ : / -`, for
  ///   it becomes an argument of the Azure CLI as well.
  package init(_ text: String) throws(IdentityError) {
    guard text.hasSuffix(Self.suffix), text.utf8.count > Self.suffix.utf8.count, !text.hasPrefix("-"),
      text.utf8.count <= 512, text.utf8.allSatisfy(Self.isAllowed)
    else {
      throw IdentityError(
        .invalidScope, "the scope \"\(ServiceText.readable(text))\" is not of the form <resource>/.default",
        remedy: "Use one such as https://storage.azure.com/.default")
    }
    self.text = text
  }

  /// As managed-identity endpoints and the Azure CLI take it: without exactly `/.default`. A resource may itself end in a
  /// slash.
  package var resource: String { String(text.dropLast(Self.suffix.count)) }

  /// The scope's text.
  package var description: String { text }

  /// Letters, digits and `._:/-`: what may go to the Azure CLI.
  static func isAllowed(_ byte: UInt8) -> Bool {
    byte.isAlpha || byte.isDigit || "._:/-".utf8.contains(byte)
  }
}
