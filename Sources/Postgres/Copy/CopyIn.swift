/// A `COPY … FROM STDIN` under way.
///
/// Write the rows, then ``finish()``. A COPY that is left before is aborted by ``PostgresConnection/rollBack()``, and the
/// server drops what it has. Once the server has refused a row, ``write(_:)`` and ``watch()`` throw ``Ended``, and `finish`
/// throws the server's error.
public struct CopyIn: Sendable {
  /// The server has ended the COPY by an error, which ``CopyIn/finish()`` throws.
  public struct Ended: Error {}

  let connection: PostgresConnection

  /// How often ``watch()`` looks.
  private static let watchInterval = Duration.milliseconds(500)

  /// Sends bytes of the file, in any cut. Returns when the server's socket has taken them, so a slow server slows the
  /// writer and no more than one buffer is held.
  public func write(_ bytes: [UInt8]) async throws {
    try await connection.writeCopy(bytes)
  }

  /// Returns when its task is cancelled; throws ``Ended`` when the server ends the COPY before. A writer that waits for its
  /// own source learns of it in this way.
  public func watch() async throws {
    while !Task.isCancelled {
      try? await Task.sleep(for: Self.watchInterval)
      if try await connection.copyInIsOver() { throw Ended() }
    }
  }

  /// Ends the data and gives the number of rows the server has stored.
  public func finish() async throws -> Int {
    try await connection.finishCopyIn()
  }
}
