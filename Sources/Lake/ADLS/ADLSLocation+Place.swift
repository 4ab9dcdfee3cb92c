package import Essentials
import HTTPClient

/// A filesystem as a place; the root of a place is nil, since the address has the path.
extension ADLSLocation: LakePlace {
  package static let noun = "a storage account"
  package static let topNoun = "the filesystem"

  package func displayURL(of path: LakePath?) -> String { rooted(at: path).displayURL }

  /// TLS alone is spoken to other machines, so the usual port is that of HTTPS.
  private static let usualPort = 443

  package var shownHost: String? { port == Self.usualPort ? host : "\(host):\(port)" }

  package func isHosted(by entry: LakeHost) -> Bool {
    Self.dfsHost(entry.name) == host && (entry.port ?? Self.usualPort) == port
  }

  package func sharesHost(with other: any LakePlace) -> Bool {
    guard let other = other as? ADLSLocation else { return false }
    return host == other.host && port == other.port && usesTLS == other.usesTLS
  }

  package func path(of address: LakeAddress, below root: LakePath?) -> LakePath? {
    guard let other = address.lake as? ADLSLocation, host == other.host, port == other.port,
      account == other.account, filesystem == other.filesystem
    else { return nil }
    return address.path?.below(root)
  }

  package func check(_ options: LakeOptions) throws(LakeSettingError) {
    let string: StorageConnectionString?
    do {
      string = try Self.connectionString(options)
    } catch {
      throw LakeSettingError(setting: ADLSProvider.connectionString.name, reason: "\(error)")
    }
    guard options.authentication == .connectionString, string?.serves(self) != true else { return }
    let found = string.map { "it is for the account \($0.account)" } ?? "it is not set"
    throw LakeSettingError(
      setting: ADLSProvider.connectionString.name,
      reason: "expected the connection string of the account of LAKE_URL, \(account), since LAKE_AUTH is "
        + "connection_string; \(found)")
  }

  package func tokenScope(_ resources: LakeResources) -> String? {
    // A connection string that is malformed was refused at the start; here it counts as none.
    usesToken(resources, try? Self.connectionString(resources.options)) ? ADLSCredential.scope : nil
  }

  package func open(root: LakePath?, _ resources: LakeResources, creating: Bool) async throws -> any LakeStore {
    let transport = try resources.transport()
    let string = try Self.connectionString(resources.options)
    let credential: ADLSCredential =
      if let string, !usesToken(resources, string) { string.credential } else { .bearer(try resources.tokens()) }
    return ADLSStore(
      rooted(at: root), transport: transport, credential: credential, options: ADLSOptions(resources))
  }

  /// A key or signature is for its own account: any other place is asked with a token.
  private func usesToken(_ resources: LakeResources, _ string: StorageConnectionString?) -> Bool {
    guard string?.serves(self) == true else { return true }
    return switch resources.options.authentication {
    case .entra: true
    case .connectionString: false
    case nil: resources.hasIdentity
    }
  }

  private static func connectionString(_ options: LakeOptions) throws(LakeError) -> StorageConnectionString? {
    guard let text = options.connectionString else { return nil }
    return try StorageConnectionString(parsing: text.reveal())
  }
}

extension LakeOptions {
  /// `AZURE_STORAGE_CONNECTION_STRING`, among the settings that a kind of lake declares.
  package var connectionString: Secret? {
    get { ownSettings[ADLSProvider.connectionString.name] }
    set { ownSettings[ADLSProvider.connectionString.name] = newValue }
  }
}

extension ADLSOptions {
  init(_ resources: LakeResources) {
    let options = resources.options
    appendBytes = options.appendBytes
    appendsInFlight = options.appendsInFlight
    limits.stall = .seconds(options.stallSeconds)
    retries.budget = .seconds(options.retrySeconds)
    onRetry = { resources.onEvent(.retry($0)) }
    onLeftover = { resources.onEvent(.leftover($0)) }
  }
}
