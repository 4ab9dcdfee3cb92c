/// Where a lake is, from the forms of `LAKE_URL` and `adls_url`.
public enum LakeURL: Hashable, Sendable {
  /// A folder on this machine, by its absolute path.
  case folder(path: String)
  /// A filesystem of an Azure Data Lake Storage account, or of an emulator.
  case adls(ADLSLocation)

  /// The forms there are, for messages.
  public static let expectedForms =
    "expected abfss://filesystem@account.dfs.core.windows.net/root, "
    + "https://account.dfs.core.windows.net/filesystem/root, file:///folder, "
    + "or http://127.0.0.1:PORT/account/filesystem/root for an emulator"

  /// The URL in its normal form; holds no secret.
  public var displayURL: String {
    switch self {
    case .folder(let path): "file://" + path.split(separator: "/").map { "/" + URLText.encodeSegment($0) }.joined()
    case .adls(let location): location.displayURL
    }
  }
}

extension LakeURL {
  /// Reads a URL as `LAKE_URL` has it: that of a folder may end in `?create=true`, so that the folder is made where it is
  /// missing.
  ///
  /// Throws `LakeError.invalidURL`.
  public static func withCreation(
    parsing text: String, currentDirectory: String? = nil
  ) throws(LakeError) -> (url: LakeURL, creates: Bool) {
    for (query, creates) in [("?create=true", true), ("?create=false", false)] where text.hasSuffix(query) {
      let url = try LakeURL(parsing: String(text.dropLast(query.count)), currentDirectory: currentDirectory)
      guard case .folder = url else { throw .invalidURL(reason: "?create= goes with file alone") }
      return (url, creates)
    }
    return (try LakeURL(parsing: text, currentDirectory: currentDirectory), false)
  }
}

extension LakeURL: CustomStringConvertible {
  /// The same as `displayURL`.
  public var description: String { displayURL }
}
