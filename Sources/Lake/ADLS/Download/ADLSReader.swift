/// One file of an ``ADLSStore``, pinned by its ETag; a few blocks are read ahead.
actor ADLSReader: LakeReader {
  nonisolated let entry: LakeEntry
  private let client: ADLSClient
  private let blockBytes: Int
  private let ahead: Int
  /// Blocks in flight or waiting to be read, by number.
  private var blocks: [Int: Task<[UInt8], any Error>] = [:]
  private var offset = 0
  private var isClosed = false

  /// Reads the properties and the first bytes of the file. Both must give the same length, else both are read again.
  static func open(_ path: LakePath, client: ADLSClient, options: ADLSOptions) async throws -> ADLSReader {
    try Task.checkCancellation()
    var entry: LakeEntry?
    for _ in 0..<ADLSClient.looks {
      guard let found = try await client.properties(of: path)?.entry else { throw LakeError.notFound(path) }
      guard !found.isDirectory else { throw LakeError.notAFile(path) }
      guard found.length > 0 else { return ADLSReader(found, [], client: client, options: options) }
      entry = found
      var first: [UInt8] = []
      first.reserveCapacity(min(found.length, options.readBytes))
      let range = 0..<min(found.length, ADLSClient.rangeBytes, options.readBytes)
      let total = try await client.readRange(range, of: found, total: nil, to: &first)
      if total == found.length { return ADLSReader(found, first, client: client, options: options) }
    }
    throw LakeError.io(
      path, operation: "reading",
      reason: "the service reports two lengths for the file; one is \(entry?.length ?? 0) bytes")
  }

  private init(_ entry: LakeEntry, _ first: [UInt8], client: ADLSClient, options: ADLSOptions) {
    self.entry = entry
    self.client = client
    blockBytes = options.readBytes
    ahead = options.readsInFlight
    guard entry.length > 0 else { return }
    blocks[0] = Self.block(entry, from: 0, count: blockBytes, begunWith: first, client)
  }

  deinit {
    for task in blocks.values { task.cancel() }
  }

  func read(maxBytes: Int) async throws -> [UInt8] {
    try checkOpen()
    precondition(maxBytes > 0, "a read of no bytes would look like the end")
    guard offset < entry.length else { return [] }
    let number = offset / blockBytes
    for next in number..<min(number + ahead, (entry.length + blockBytes - 1) / blockBytes) where blocks[next] == nil {
      blocks[next] = Self.block(entry, from: next * blockBytes, count: blockBytes, client)
    }
    guard let task = blocks[number] else { throw LakeError.outOfOrder(entry.path, operation: "reading") }
    let block: [UInt8]
    do {
      block = try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
    } catch {
      // The next read requests it again.
      blocks[number] = nil
      throw error
    }
    try Task.checkCancellation()
    let start = offset - number * blockBytes
    let bytes = Array(block[start..<min(start + maxBytes, block.count)])
    offset += bytes.count
    if start + bytes.count == block.count { blocks[number] = nil }
    return bytes
  }

  /// Reads a block, whose first bytes may be there already.
  private static func block(
    _ entry: LakeEntry, from offset: Int, count: Int, begunWith first: [UInt8] = [], _ client: ADLSClient
  ) -> Task<[UInt8], any Error> {
    Task {
      var bytes = first
      try await client.read(entry, from: offset + bytes.count, count: count - bytes.count, to: &bytes)
      return bytes
    }
  }

  func close() {
    isClosed = true
    for task in blocks.values { task.cancel() }
    blocks = [:]
  }

  private func checkOpen() throws {
    try Task.checkCancellation()
    if isClosed { throw LakeError.outOfOrder(entry.path, operation: "reading") }
  }
}
