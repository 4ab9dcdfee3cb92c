/// A `COPY … FROM STDIN` under way.
///
/// Write the rows, then ``finish()``; ``abort(reason:)`` makes the server drop what it has. An error of the server (a
/// malformed row, a broken constraint) is thrown by `finish`, at the latest.
public struct CopyIn: Sendable {
  let connection: PostgresConnection

  /// Sends bytes of the file, in any cut. Returns when the server's socket has taken them, so a slow server slows the
  /// writer and no more than one buffer is held.
  public func write(_ bytes: [UInt8]) async throws {
    try await connection.writeCopy(bytes)
  }

  /// Ends the data and gives the number of rows the server has stored.
  public func finish() async throws -> Int {
    try await connection.finishCopyIn()
  }

  /// Makes the COPY fail on the server with `reason`.
  public func abort(reason: String) async {
    await connection.abortCopyIn(reason: reason)
  }
}
