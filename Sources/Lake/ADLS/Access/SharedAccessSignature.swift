/// A shared access signature: a query that is a secret. It prints as `<sas>`.
public struct SharedAccessSignature: Sendable {
  /// The query as it was issued, percent-encoded, without a question mark.
  let query: String

  /// Takes a signature as the portal shows it; nil when it is none (no `sig`), or could not stand in a URL.
  public init?(_ text: String) {
    let query = text.hasPrefix("?") ? String(text.dropFirst()) : text
    let parts = query.split(separator: "&")
    guard parts.contains(where: { $0.hasPrefix("sig=") && $0.utf8.count > 4 }),
      query.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") })
    else { return nil }
    self.query = query
  }
}

extension SharedAccessSignature: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Always `<sas>`.
  public var description: String { "<sas>" }
  /// Always `<sas>`.
  public var debugDescription: String { "<sas>" }
  /// Shows nothing inside.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
