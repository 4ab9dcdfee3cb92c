/// Where a lake is, by its kind. ``LakeAddress`` takes its place.
public enum LakeURL: Hashable, Sendable {
  /// A folder on this machine, by its absolute path.
  case folder(path: String)
  /// A filesystem of an Azure Data Lake Storage account, or of an emulator.
  case adls(ADLSLocation)

  /// Reads a URL as ``LakeAddress`` does.
  ///
  /// Throws `LakeError.invalidURL`.
  public init(parsing text: String, currentDirectory: String? = nil) throws(LakeError) {
    self = try LakeURL(LakeAddress(parsing: text, currentDirectory: currentDirectory))
  }

  /// Reads a URL as `LAKE_URL` has it, as ``LakeAddress`` does.
  ///
  /// Throws `LakeError.invalidURL`.
  public static func withCreation(
    parsing text: String, currentDirectory: String? = nil
  ) throws(LakeError) -> (url: LakeURL, creates: Bool) {
    let (address, creates) = try LakeAddress.withCreation(parsing: text, currentDirectory: currentDirectory)
    return (try LakeURL(address), creates)
  }

  private init(_ address: LakeAddress) throws(LakeError) {
    switch address.lake {
    case let folder as FolderPlace: self = .folder(path: folder.path)
    case let location as ADLSLocation: self = .adls(location.rooted(at: address.path))
    default: throw .invalidURL(reason: "its scheme is not known")
    }
  }

  /// The URL in its normal form; holds no secret.
  public var displayURL: String {
    switch self {
    case .folder(let path): FolderPlace(path: path).displayURL(of: nil)
    case .adls(let location): location.displayURL
    }
  }
}
