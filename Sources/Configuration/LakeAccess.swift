import Foundation
public import Lake

/// How a lake in a storage account is reached, and how much is under way at a time.
public struct LakeAccess: Sendable {
  /// `LAKE_AUTH`: what proves who asks.
  public enum Authentication: String, Sendable, CaseIterable {
    /// An Entra token.
    case entra
    /// The key, or the shared access signature, of `AZURE_STORAGE_CONNECTION_STRING`.
    case connectionString = "connection_string"
  }

  /// `LAKE_AUTH`: nil is a token where the environment tells of an identity, else the connection string where one is for
  /// this account, else a token all the same.
  public var authentication: Authentication?
  /// `AZURE_STORAGE_CONNECTION_STRING`.
  public var connectionString: StorageConnectionString?
  /// `LAKE_CA_FILE`: a PEM file of roots that are trusted beside the system's.
  public var rootsFile: String?
  /// `LAKE_APPEND_BYTES`: bytes of one append.
  public var appendBytes = ADLSOptions().appendBytes
  /// `LAKE_APPENDS_IN_FLIGHT`: appends under way at a time, for one file.
  public var appendsInFlight = ADLSOptions().appendsInFlight
  /// `LAKE_RETRY_SECONDS`: how long one request is tried again.
  public var retrySeconds = 180
  /// `LAKE_STALL_SECONDS`: how long a request may go without a byte in either direction.
  public var stallSeconds = 60

  /// The defaults.
  public init() {}

  /// - Throws: ``JobError`` `bad_setting`.
  init(_ source: SettingSource, lake: LakeURL) throws {
    authentication = try source.choice("LAKE_AUTH")
    rootsFile = source.values["LAKE_CA_FILE"]
    if let rootsFile, !FileManager.default.isReadableFile(atPath: rootsFile) {
      throw source.bad("LAKE_CA_FILE", "a PEM file that can be read")
    }
    appendBytes = try source.integer("LAKE_APPEND_BYTES", in: ADLSOptions.appendBytesRange) ?? appendBytes
    appendsInFlight = try source.integer("LAKE_APPENDS_IN_FLIGHT", in: 1...32) ?? appendsInFlight
    retrySeconds = try source.integer("LAKE_RETRY_SECONDS", in: 0...3600) ?? retrySeconds
    stallSeconds = try source.integer("LAKE_STALL_SECONDS", in: 1...3600) ?? stallSeconds
    // The variable is Azure's own and may be there for another purpose: a lake in a folder does not look at it.
    guard case .adls(let location) = lake else { return }
    if let text = source.values["AZURE_STORAGE_CONNECTION_STRING"] {
      do {
        connectionString = try StorageConnectionString(parsing: text)
      } catch {
        throw JobError(
          .invalid, code: "bad_setting", "AZURE_STORAGE_CONNECTION_STRING: \(error)",
          field: "AZURE_STORAGE_CONNECTION_STRING")
      }
    }
    if authentication == .connectionString, connectionString?.serves(location) != true {
      let found = connectionString.map { "it is for the account \($0.account)" } ?? "it is not set"
      throw JobError(
        .invalid, code: "bad_setting",
        "AZURE_STORAGE_CONNECTION_STRING: expected the connection string of the account of LAKE_URL, "
          + "\(location.account), since LAKE_AUTH is connection_string; \(found)",
        field: "AZURE_STORAGE_CONNECTION_STRING")
    }
  }
}
