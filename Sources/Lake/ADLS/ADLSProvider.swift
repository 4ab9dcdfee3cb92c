/// The lakes in storage accounts (Azure Data Lake Storage Gen2), and in emulators of them.
package enum ADLSProvider: LakeProvider {
  package static let schemes = ["abfss", "abfs", "https", "http"]
  package static let forms = [
    "abfss://filesystem@account.dfs.core.windows.net/root", "https://account.dfs.core.windows.net/filesystem/root",
  ]
  package static let developmentForms = ["http://127.0.0.1:PORT/account/filesystem/root for an emulator"]
  /// A filesystem is its administrator's to make; the folders in it come with the first archive.
  package static let canMake = false

  static let connectionString = LakeSetting(
    name: "AZURE_STORAGE_CONNECTION_STRING", isSecret: true,
    summary: "the account's key or shared access signature, for a lake without tokens")
  package static let settings = [connectionString]

  /// Reads one of `forms`; also `abfs:` (by TLS all the same), and an account's blob host.
  package static func address(_ url: LakeURLParts) throws(LakeError) -> LakeAddress {
    switch url.scheme {
    case "abfss", "abfs": try hadoop(url)
    default: try web(url)
    }
  }

  private static func hadoop(_ url: LakeURLParts) throws(LakeError) -> LakeAddress {
    let parts = url.authority.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw .invalidURL(reason: "an abfss URL needs one filesystem@account-host") }
    let location = try URLAuthority(parts[1])
    guard !location.isLoopback else { throw .invalidURL(reason: "an abfss URL can't name an emulator: use http") }
    return try account(location, filesystem: String(parts[0]), segments: try url.segments())
  }

  private static func web(_ url: LakeURLParts) throws(LakeError) -> LakeAddress {
    guard !url.authority.utf8.contains(UInt8(ascii: "@")) else {
      throw .invalidURL(reason: "an http or https URL must hold no user or password")
    }
    let usesTLS = url.scheme == "https"
    let location = try URLAuthority(url.authority)
    var segments = try url.segments()
    guard location.isLoopback else {
      guard usesTLS else { throw .invalidURL(reason: "http is only for an emulator on loopback: use https") }
      guard !segments.isEmpty else { throw .invalidURL(reason: "an https URL needs a filesystem after the host") }
      let filesystem = segments.removeFirst()
      return try account(location, filesystem: filesystem, segments: segments)
    }
    guard segments.count >= 2 else { throw .invalidURL(reason: "an emulator's URL needs /account/filesystem") }
    let account = segments.removeFirst()
    guard isAccount(account) else {
      throw .invalidURL(reason: "an account's name is 3 to 24 lower-case letters and digits")
    }
    let filesystem = segments.removeFirst()
    let lake = ADLSLocation(
      host: location.host, port: location.port ?? (usesTLS ? 443 : 80), usesTLS: usesTLS, account: account,
      accountIsInPath: true, filesystem: try checkedFilesystem(filesystem), root: nil)
    return LakeAddress(lake: lake, path: try root(segments))
  }

  /// An account by its host: `account.dfs…`, `account.z01.dfs…`, or the blob twin, which is turned into the DFS one.
  private static func account(
    _ authority: URLAuthority, filesystem: String, segments: [String]
  ) throws(LakeError) -> LakeAddress {
    var labels = authority.host.split(separator: ".").map(String.init)
    let service = labels.prefix(3).dropFirst().firstIndex { $0 == "dfs" || $0 == "blob" }
    guard let service, service < labels.count - 2, isAccount(labels[0]) else {
      throw .invalidURL(reason: "the host is not a storage account's, such as account.dfs.core.windows.net")
    }
    labels[service] = "dfs"
    let lake = ADLSLocation(
      host: labels.joined(separator: "."), port: authority.port ?? 443, usesTLS: true, account: labels[0],
      accountIsInPath: false, filesystem: try checkedFilesystem(filesystem), root: nil)
    return LakeAddress(lake: lake, path: try root(segments))
  }

  private static func root(_ segments: [String]) throws(LakeError) -> LakePath? {
    if segments.isEmpty { return nil }
    do {
      return try LakePath(components: segments)
    } catch {
      guard case .invalidPath(_, let reason) = error else { throw error }
      throw .invalidURL(reason: "its root is not a path in the lake: \(reason)")
    }
  }

  private static func isAccount(_ name: String) -> Bool {
    (3...24).contains(name.utf8.count) && name.utf8.allSatisfy { isLowerAlphanumeric($0) }
  }

  /// 3 to 63 lower-case letters, digits and single inner hyphens; `$` may stand first, as in `$web`.
  private static func checkedFilesystem(_ name: String) throws(LakeError) -> String {
    let bytes = Array(name.utf8)
    let hyphen = UInt8(ascii: "-")
    guard (3...63).contains(bytes.count), let first = bytes.first, let last = bytes.last,
      isLowerAlphanumeric(first) || first == UInt8(ascii: "$"), isLowerAlphanumeric(last),
      bytes.dropFirst().allSatisfy({ isLowerAlphanumeric($0) || $0 == hyphen }),
      !zip(bytes, bytes.dropFirst()).contains(where: { $0 == hyphen && $1 == hyphen })
    else {
      throw .invalidURL(reason: "a filesystem's name is 3 to 63 lower-case letters, digits and single hyphens")
    }
    return name
  }

  private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}
