import Foundation

/// The three places that give tokens, with what they have in common.
struct TokenEndpoint {
  let options: EmulatorOptions
  let issuer: TokenIssuer

  /// The resources that are known: with or without the slash at the end.
  func isKnown(resource: String) -> Bool {
    let bare = resource.hasSuffix("/") ? String(resource.dropLast()) : resource
    return [
      "https://storage.azure.com", "https://\(options.account).blob.core.windows.net",
      "https://\(options.account).dfs.core.windows.net", "https://ossrdbms-aad.database.windows.net",
      "https://ossrdbms-aad.database.usgovcloudapi.net", "https://ossrdbms-aad.database.chinacloudapi.cn",
      "https://management.azure.com",
    ].contains(bare)
  }

  /// Whether the managed identity that a request names is the one that is here. Naming none means that one too.
  func isKnownIdentity(_ query: RequestQuery, resourceIDName: String) -> Bool {
    let wanted = [
      ("client_id", options.clientID), ("object_id", options.objectID), ("principal_id", options.objectID),
      (resourceIDName, options.resourceID),
    ]
    return wanted.allSatisfy { name, known in query[name].map { $0.lowercased() == known.lowercased() } ?? true }
  }
}
