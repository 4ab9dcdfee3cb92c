import Glibc

/// The buffer that all connections of a server read into; they take turns on one queue.
final class ReadBuffer {
  private(set) var bytes = [UInt8](repeating: 0, count: 64 * 1024)

  /// - Returns: bytes read, 0 at the end, -1 with `errno`.
  func receive(from descriptor: Int32) -> Int {
    bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
  }
}
