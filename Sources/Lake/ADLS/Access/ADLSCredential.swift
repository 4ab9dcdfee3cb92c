public import Identity

/// How requests to a storage account prove who sends them. None of it ever prints itself.
public enum ADLSCredential: Sendable {
  /// The scope of every storage account, in every cloud.
  public static let scope = "https://storage.azure.com/.default"

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
