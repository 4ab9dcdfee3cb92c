public import HTTPClient

/// A lake in a filesystem of a storage account with a hierarchical namespace, by its DFS endpoint.
///
/// Nothing is parked on a thread, and no more than the options say is in memory. A request that fails is tried again where
/// the service's rules make that safe; one whose answer was lost is decided by looking.
public struct ADLSStore: LakeStore {
  let client: ADLSClient
  let options: ADLSOptions

  /// A store at `location`; nothing is asked of the service yet.
  ///
  /// Whoever calls has checked that the location's host is one the credential may be sent to.
  public init(
    _ location: ADLSLocation, transport: any HTTPTransport, credential: ADLSCredential,
    options: ADLSOptions = ADLSOptions()
  ) {
    client = ADLSClient(
      location: location, transport: transport, credential: credential, limits: options.limits, policy: options.retries,
      timer: options.timer, onRetry: options.onRetry, onLeftover: options.onLeftover)
    self.options = options
  }

  /// The root as an `abfss` URL, or an emulator's.
  public var displayURL: String { client.location.displayURL }

  /// Starts a new file; see `LakeStore`.
  public func makeWriter(temporary: LakePath) async throws -> any LakeWriter {
    try await ADLSWriter.start(temporary, client: client, options: options)
  }

  /// Opens a file; see `LakeStore`.
  public func openReader(_ path: LakePath) async throws -> any LakeReader {
    try await ADLSReader.open(path, client: client, options: options)
  }

  /// What is known of a file or folder; see `LakeStore`.
  public func properties(of path: LakePath) async throws -> LakeEntry? {
    try await client.properties(of: path)?.entry
  }

  /// One page of a listing; see `LakeStore`.
  public func listPage(under folder: LakePath?, recursive: Bool, continuation: String?) async throws -> LakePage {
    try await client.list(folder, recursive: recursive, maximum: options.pageSize, continuation: continuation)
  }

  /// Removes a file or an empty folder; see `LakeStore`.
  public func delete(_ path: LakePath) async throws {
    try await client.delete(path)
  }
}
