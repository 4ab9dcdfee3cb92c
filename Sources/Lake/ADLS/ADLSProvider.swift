import Essentials
import Foundation

extension LakeURL {
  /// Reads one of `expectedForms`; also `abfs:` (by TLS all the same), an account's blob host, and `file://./folder`.
  ///
  /// `currentDirectory` is what a relative folder is relative to; nil is the process's own.
  /// Throws `LakeError.invalidURL`, whose text repeats nothing of the value but its scheme: the rest may hold a secret.
  public init(parsing text: String, currentDirectory: String? = nil) throws(LakeError) {
    guard let separator = text.range(of: "://") else { throw .invalidURL(reason: "it has no scheme") }
    let scheme = text[..<separator.lowerBound].asciiLowercased()
    let rest = text[separator.upperBound...]
    guard ["abfss", "abfs", "https", "http", "file"].contains(scheme) else {
      throw .invalidURL(reason: "its scheme is not known")
    }
    if rest.utf8.contains(UInt8(ascii: "?")) {
      throw .invalidURL(
        reason: scheme == "file"
          ? "a file URL must have no query but ?create=true, which LAKE_URL alone may have"
          : "an \(scheme) URL must have no query, and no SAS")
    }
    if rest.utf8.contains(UInt8(ascii: "#")) { throw .invalidURL(reason: "an \(scheme) URL must have no fragment") }
    guard rest.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F && $0 != "\\" }) else {
      throw .invalidURL(reason: "an \(scheme) URL must have no spaces, control characters or backslashes")
    }
    let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
    let authority = rest[..<slash]
    let path = rest[slash...]
    switch scheme {
    case "file": self = try Self.folder(authority: authority, path: path, currentDirectory: currentDirectory)
    case "abfss", "abfs": self = .adls(try Self.hadoop(authority: authority, path: path))
    default: self = .adls(try Self.web(usesTLS: scheme == "https", authority: authority, path: path))
    }
  }

  private static func folder(
    authority: Substring, path: Substring, currentDirectory: String?
  ) throws(LakeError) -> LakeURL {
    var segments: [String]
    switch authority {
    case "", "localhost":  // RFC 8089, 2
      segments = []
    case ".", "..":
      let base = currentDirectory ?? FileManager.default.currentDirectoryPath
      segments = base.split(separator: "/").map(String.init) + [String(authority)]
    default: throw .invalidURL(reason: "a file URL names no host; a relative folder is written file://./folder")
    }
    segments += try URLText.segments(of: path)
    var folders: [String] = []
    for segment in segments {
      guard !segment.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") }) else {
        throw .invalidURL(reason: "a file URL must not hide a slash or a NUL behind a percent sign")
      }
      switch segment {
      case "", ".": continue
      case "..": _ = folders.popLast()
      default: folders.append(segment)
      }
    }
    guard !folders.isEmpty else { throw .invalidURL(reason: "a file URL must name a folder below /") }
    return .folder(path: "/" + folders.joined(separator: "/"))
  }

  private static func hadoop(authority: Substring, path: Substring) throws(LakeError) -> ADLSLocation {
    let parts = authority.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw .invalidURL(reason: "an abfss URL needs one filesystem@account-host") }
    let location = try URLAuthority(parts[1])
    guard !location.isLoopback else { throw .invalidURL(reason: "an abfss URL can't name an emulator: use http") }
    return try account(location, filesystem: String(parts[0]), segments: try URLText.segments(of: path))
  }

  private static func web(usesTLS: Bool, authority: Substring, path: Substring) throws(LakeError) -> ADLSLocation {
    guard !authority.utf8.contains(UInt8(ascii: "@")) else {
      throw .invalidURL(reason: "an http or https URL must hold no user or password")
    }
    let location = try URLAuthority(authority)
    var segments = try URLText.segments(of: path)
    guard location.isLoopback else {
      guard usesTLS else { throw .invalidURL(reason: "http is for an emulator on loopback alone: use https") }
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
    return ADLSLocation(
      host: location.host, port: location.port ?? (usesTLS ? 443 : 80), usesTLS: usesTLS, account: account,
      accountIsInPath: true, filesystem: try checkedFilesystem(filesystem), root: try root(segments))
  }

  /// An account by its host: `account.dfs…`, `account.z01.dfs…`, or the blob twin, which is turned into the DFS one.
  private static func account(
    _ authority: URLAuthority, filesystem: String, segments: [String]
  ) throws(LakeError) -> ADLSLocation {
    var labels = authority.host.split(separator: ".").map(String.init)
    let service = labels.prefix(3).dropFirst().firstIndex { $0 == "dfs" || $0 == "blob" }
    guard let service, service < labels.count - 2, isAccount(labels[0]) else {
      throw .invalidURL(reason: "the host is not a storage account's, such as account.dfs.core.windows.net")
    }
    labels[service] = "dfs"
    return ADLSLocation(
      host: labels.joined(separator: "."), port: authority.port ?? 443, usesTLS: true, account: labels[0],
      accountIsInPath: false, filesystem: try checkedFilesystem(filesystem), root: try root(segments))
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
