/// A root folder in Azure Data Lake Storage Gen2, and the DFS endpoint that serves it.
package struct ADLSLocation: Hashable, Sendable {
  /// The host of the DFS endpoint, in lower case, without a trailing dot; an IPv6 address stands in brackets.
  package let host: String

  /// The TCP port.
  package let port: Int

  /// Whether requests use TLS; false only on loopback.
  package let usesTLS: Bool

  /// The storage account.
  package let account: String

  /// Whether the account is the first segment of each request's path, as emulators have it.
  package let accountIsInPath: Bool

  /// The filesystem, which is the container of the blob endpoint.
  package let filesystem: String

  /// The folder in the filesystem that all paths are below; nil for its top.
  package let root: LakePath?

  /// A location of parts that were checked, as those of a ``LakeAddress`` are.
  package init(
    host: String, port: Int, usesTLS: Bool, account: String, accountIsInPath: Bool, filesystem: String, root: LakePath?
  ) {
    self.host = host
    self.port = port
    self.usesTLS = usesTLS
    self.account = account
    self.accountIsInPath = accountIsInPath
    self.filesystem = filesystem
    self.root = root
  }

  /// The location as a URL in its normal form: `abfss` for an account, `http` or `https` for an emulator.
  package var displayURL: String {
    let shownPort = port == (usesTLS ? 443 : 80) ? "" : ":\(port)"
    let folders = LakeURLParts.path(of: root?.components ?? [])
    return accountIsInPath
      ? "\(usesTLS ? "https" : "http")://\(host)\(shownPort)/\(account)/\(filesystem)\(folders)"
      : "abfss://\(filesystem)@\(host)\(shownPort)\(folders)"
  }

  /// The same filesystem with another root.
  func rooted(at root: LakePath?) -> ADLSLocation {
    ADLSLocation(
      host: host, port: port, usesTLS: usesTLS, account: account, accountIsInPath: accountIsInPath,
      filesystem: filesystem, root: root)
  }

  /// The DFS twin of a storage account's blob host; any other host as it is.
  static func dfsHost(_ host: String) -> String {
    var labels = host.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if let service = labels.prefix(3).dropFirst().firstIndex(of: "blob") { labels[service] = "dfs" }
    return labels.joined(separator: ".")
  }
}
