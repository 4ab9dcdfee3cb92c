import Essentials

/// Text from a service, made safe for an error or a log.
enum ServiceText {
  /// Characters shown at most. The service's descriptions say what counts in their first sentence.
  static let limit = 300

  /// `text` as one visible line without tokens or any of `secrets`, cut to ``limit`` characters.
  static func readable(_ text: String, hiding secrets: [Secret] = []) -> String {
    var text = text
    for secret in secrets.map({ $0.reveal() }) where !secret.isEmpty {
      text = text.replacing(secret, with: "<secret>")
      text = text.replacing(FormEncoding.encode(secret), with: "<secret>")
    }
    text = text.replacing(#/"accessToken"\s*:\s*"[^"]*"?/#, with: "\"accessToken\": \"<token>\"")
    // Every JWT begins so: base64url of `{"`.
    text = text.replacing(#/eyJ[A-Za-z0-9_\-.=+\/]*/#, with: "<token>")
    // No word or identifier of an error message is as long; a key or an opaque token is.
    text = text.replacing(#/[A-Za-z0-9_\-.=+~\/]{120,}/#, with: "<long text>")
    let line = text.visibleLine()
    return line.count > limit ? line.prefix(limit) + "…" : line
  }
}
