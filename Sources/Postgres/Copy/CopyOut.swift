/// A batch of rows as COPY sent them.
public struct CopyChunk: Sendable {
  /// The rows' bytes, in order. Rows are not cut, except one that is wider than a chunk.
  public var bytes: [UInt8]
  /// Rows that end in it; a header line counts as one.
  public var rows: Int
}

/// The rows of `COPY … TO STDOUT` as an async sequence of chunks.
///
/// The sequence ends after the server has said that the COPY is complete; an error in the middle throws, so a shortened
/// copy is never taken for a whole one. After the end ``reportedRows()`` gives the number in the server's tag.
public struct CopyOut: AsyncSequence, Sendable {
  let connection: PostgresConnection
  let chunkBytes: Int

  /// Rows the server says it copied, without a header line; nil before the end.
  public func reportedRows() async -> Int? {
    await connection.copiedRows
  }

  /// The next chunk, nil after the server has confirmed the end.
  public func next() async throws -> CopyChunk? {
    try await connection.nextCopyChunk(bytes: chunkBytes)
  }

  /// Begins to read; a COPY can be read once.
  public func makeAsyncIterator() -> Iterator {
    Iterator(connection: connection, chunkBytes: chunkBytes)
  }

  /// Reads chunk after chunk.
  public struct Iterator: AsyncIteratorProtocol {
    let connection: PostgresConnection
    let chunkBytes: Int

    /// The next chunk, nil after the server has confirmed the end.
    public mutating func next() async throws -> CopyChunk? {
      try await connection.nextCopyChunk(bytes: chunkBytes)
    }
  }
}
