import Essentials
package import Identity

/// How requests to a storage account are authenticated. Its description never shows a secret.
package enum ADLSCredential: Sendable {
  /// The scope of every storage account, in every cloud.
  package static let scope = "https://storage.azure.com/.default"

  /// A bearer token of the identity that the source stands for.
  case bearer(any TokenSource)
  /// The account's key; each request is signed by it.
  case sharedKey(SharedKey)
  /// A shared access signature; it is attached to each request's query.
  case sharedAccessSignature(SharedAccessSignature)

  /// For messages: `token`, `key` or `SAS`.
  var kind: String {
    switch self {
    case .bearer: "token"
    case .sharedKey: "key"
    case .sharedAccessSignature: "SAS"
    }
  }
}

/// A shared access signature: a query that is a secret.
package struct SharedAccessSignature: Sendable {
  /// The query as it was issued, percent-encoded, without a question mark.
  let query: Secret

  /// Takes a signature as the portal shows it; nil when it is none (no `sig`), or could not stand in a URL.
  package init?(_ text: String) {
    let query = text.hasPrefix("?") ? String(text.dropFirst()) : text
    let parts = query.split(separator: "&")
    guard parts.contains(where: { $0.hasPrefix("sig=") && $0.utf8.count > 4 }),
      query.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") })
    else { return nil }
    self.query = Secret(query)
  }
}
