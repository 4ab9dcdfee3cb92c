/// A text of somebody else's, made fit for an error or a log.
enum ServiceText {
  /// Characters shown at most. The service's descriptions say what counts in their first sentence.
  static let limit = 300

  /// `text` on one line, without control characters, tokens or any of `secrets`, cut to ``limit`` characters.
  static func readable(_ text: String, hiding secrets: [String] = []) -> String {
    var text = text
    for secret in secrets where !secret.isEmpty {
      text = text.replacing(secret, with: "<secret>")
      text = text.replacing(FormEncoding.encode(secret), with: "<secret>")
    }
    text = text.replacing(#/"accessToken"\s*:\s*"[^"]*"?/#, with: "\"accessToken\": \"<token>\"")
    // Every JWT begins so: base64url of `{"`.
    text = text.replacing(#/eyJ[A-Za-z0-9_\-.=+\/]*/#, with: "<token>")
    // No word or identifier of an error message is as long; a key or an opaque token is.
    text = text.replacing(#/[A-Za-z0-9_\-.=+~\/]{120,}/#, with: "<long text>")
    var line = ""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator:
        if !line.hasSuffix(" ") { line += " " }
      case .format, .surrogate, .privateUse, .unassigned:
        line += "\\u{\(String(scalar.value, radix: 16))}"
      default: line.unicodeScalars.append(scalar)
      }
    }
    while line.last == " " { line.removeLast() }
    return line.count > limit ? line.prefix(limit) + "…" : line
  }
}
