import Glibc

/// Bytes to and from one client, with or without TLS. Every call blocks the connection's own thread.
protocol Transport: AnyObject {
  /// Waits for bytes.
  /// - Returns: how many; 0 when the client ended the stream.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ConnectionLoss) -> Int
  /// Writes all of `bytes`.
  func write(_ bytes: UnsafeRawBufferPointer) throws(ConnectionLoss)
  /// Writes a stretch of a file.
  func write(file descriptor: Int32, offset: Int, count: Int) throws(ConnectionLoss)
  /// Ends the session; the socket itself is closed by its owner.
  func finish()
}

extension Transport {
  func write(_ text: String) throws(ConnectionLoss) {
    try write(Array(text.utf8))
  }

  func write(_ bytes: [UInt8]) throws(ConnectionLoss) {
    // withUnsafeBytes rethrows any error as `any Error`, so the result is carried out by hand.
    let failure: ConnectionLoss? = bytes.withUnsafeBytes { buffer in
      do throws(ConnectionLoss) {
        try write(buffer)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }
}

/// The connection is of no use any more: the client went away, or a fault ended it. Nothing can be answered.
struct ConnectionLoss: Error {}
