import Essentials
import Foundation

/// The content of `AZURE_STORAGE_CONNECTION_STRING`: an account, its endpoint, and its key or a shared access
/// signature.
///
/// Its description shows the account and the endpoint alone.
package struct StorageConnectionString: Sendable {
  /// The storage account.
  package let account: String
  /// The DFS endpoint's host and port; the port is nil where the URL has none.
  let host: String
  let port: Int?
  /// The key where there is one, else the signature.
  package let credential: ADLSCredential

  /// Reads the form of the portal, `Name=value` parts between semicolons (values may hold `=`).
  ///
  /// Throws `LakeError.invalidConnectionString`, which repeats no value.
  package init(parsing text: String) throws(LakeError) {
    var values: [String: String] = [:]
    for part in text.split(separator: ";") {
      guard let equals = part.firstIndex(of: "="), equals > part.startIndex else {
        throw .invalidConnectionString(reason: "a part is not of the form Name=value")
      }
      values[part[..<equals].asciiLowercased()] = String(part[part.index(after: equals)...])
    }
    let endpoint = values["dfsendpoint"] ?? values["blobendpoint"]
    guard let account = values["accountname"] ?? endpoint.flatMap({ Self.account(ofEndpoint: $0) }) else {
      throw .invalidConnectionString(reason: "it has no AccountName")
    }
    self.account = account
    if let endpoint {
      guard let separator = endpoint.range(of: "://") else {
        throw .invalidConnectionString(reason: "its endpoint is not a URL")
      }
      let authority = endpoint[separator.upperBound...].prefix { $0 != "/" && $0 != "?" }
      let place: URLAuthority
      do {
        place = try URLAuthority(authority)
      } catch {
        throw .invalidConnectionString(reason: "its endpoint is not a URL")
      }
      host = ADLSLocation.dfsHost(place.host)
      port = place.port
    } else {
      host = "\(account).dfs.\(values["endpointsuffix"] ?? "core.windows.net")".asciiLowercased()
      port = nil
    }
    if let text = values["accountkey"] {
      guard let key = SharedKey(account: account, base64: text) else {
        throw .invalidConnectionString(reason: "its AccountKey is not base64")
      }
      credential = .sharedKey(key)
    } else if let text = values["sharedaccesssignature"] {
      guard let signature = SharedAccessSignature(text) else {
        throw .invalidConnectionString(reason: "its SharedAccessSignature has no sig, or is not percent-encoded")
      }
      credential = .sharedAccessSignature(signature)
    } else {
      throw .invalidConnectionString(reason: "it has neither AccountKey nor SharedAccessSignature")
    }
  }

  /// Whether it is for the account at this place; a key or signature is never sent anywhere else.
  package func serves(_ location: ADLSLocation) -> Bool {
    account == location.account && host == location.host && (port ?? location.port) == location.port
  }

  private static func account(ofEndpoint endpoint: String) -> String? {
    guard let separator = endpoint.range(of: "://") else { return nil }
    return endpoint[separator.upperBound...].split(separator: ".").first.map(String.init)
  }
}
