package import HTTPClient

/// A lake in a filesystem of a storage account with a hierarchical namespace, by its DFS endpoint.
///
/// No call blocks a thread, and the options bound the memory in use. A request that fails is tried again where the
/// service's rules make that safe; when an answer is lost, the outcome is resolved by reading back.
package struct ADLSStore: LakeStore {
  let client: ADLSClient
  let options: ADLSOptions

  /// A store at `location`; nothing is asked of the service yet.
  ///
  /// Whoever calls has checked that the location's host is one the credential may be sent to.
  package init(
    _ location: ADLSLocation, transport: any HTTPTransport, credential: ADLSCredential,
    options: ADLSOptions = ADLSOptions()
  ) {
    client = ADLSClient(
      location: location, transport: transport, credential: credential, limits: options.limits, policy: options.retries,
      timer: options.timer, onRetry: options.onRetry, onLeftover: options.onLeftover)
    self.options = options
  }

  /// The root as an `abfss` URL, or an emulator's.
  package var displayURL: String { client.location.displayURL }

  /// Starts a new file; see `LakeStore`.
  package func makeWriter(temporary: LakePath) async throws -> any LakeWriter {
    try await ADLSWriter.start(temporary, client: client, options: options)
  }

  /// Opens a file; see `LakeStore`.
  package func openReader(_ path: LakePath) async throws -> any LakeReader {
    try await ADLSReader.open(path, client: client, options: options)
  }

  /// The whole content of a small file, by one request where it is not longer than a range; see `LakeStore`.
  package func readAll(_ path: LakePath, limit: Int) async throws -> [UInt8] {
    if let content = try await client.readShort(path), content.count <= limit { return content }
    return try await readThrough(path, limit: limit)
  }

  /// What is known of a file or folder; see `LakeStore`.
  package func properties(of path: LakePath) async throws -> LakeEntry? {
    try await client.properties(of: path)?.entry
  }

  /// Lists at most one entry of the root; see `LakeStore`.
  package func probe() async throws {
    _ = try await client.list(nil, recursive: false, maximum: 1, continuation: nil)
  }

  /// One page of a listing; see `LakeStore`.
  package func listPage(under folder: LakePath?, recursive: Bool, continuation: String?) async throws -> LakePage {
    try await client.list(folder, recursive: recursive, maximum: options.pageSize, continuation: continuation)
  }

  /// Removes a file or an empty folder; see `LakeStore`.
  package func delete(_ path: LakePath) async throws {
    _ = try await client.delete(path)
  }

  /// Removes a file; see `LakeStore`.
  package func deleteAndTell(_ path: LakePath) async throws -> Bool? {
    try await client.delete(path)
  }

  /// The properties of the filesystem; see `LakeStore`.
  package func inspect() async throws -> LakeInspection {
    try await client.inspect()
  }
}
