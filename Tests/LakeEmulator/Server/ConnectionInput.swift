import Glibc

/// What a client sends: heads, and between them bodies that are passed on in place, without a copy.
final class ConnectionInput {
  private static let capacity = 512 * 1024
  /// A head beyond this is refused.
  static let headLimit = 64 * 1024

  private let transport: any Transport
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 4096)
  private var start = 0
  private var end = 0

  init(transport: any Transport) {
    self.transport = transport
  }

  deinit { buffer.deallocate() }

  /// The next request's head, without the empty line that ends it.
  /// - Returns: nil when the client ended the stream between two requests.
  func readHead() throws -> [UInt8]? {
    var searched = start
    while true {
      while searched < end {
        if buffer[searched] == 0x0A, isHeadEnd(searched) {
          let head = Array(buffer[start..<searched])
          start = searched + 1
          return head
        }
        searched += 1
      }
      guard end - start < Self.headLimit else {
        throw ServiceError(400, "InvalidInput", "The request head is over \(Self.headLimit) bytes.")
      }
      if start > 0 {
        buffer.copyBytes(from: buffer[start..<end])
        searched -= start
        end -= start
        start = 0
      }
      let count = try transport.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
      if count == 0 {
        guard end > start else { return nil }
        throw ConnectionLoss()
      }
      end += count
    }
  }

  private func isHeadEnd(_ index: Int) -> Bool {
    guard index > start else { return false }
    if buffer[index - 1] == 0x0A { return true }
    return index - 2 >= start && buffer[index - 1] == 0x0D && buffer[index - 2] == 0x0A
  }

  /// The next bytes of a body, valid until the next call.
  /// - Throws: ``ConnectionLoss`` also at the end of the stream, as more was promised.
  func readBody(upTo limit: Int) throws(ConnectionLoss) -> UnsafeRawBufferPointer {
    if start == end {
      start = 0
      end = try transport.read(into: buffer)
      guard end > 0 else { throw ConnectionLoss() }
    }
    let count = min(limit, end - start)
    defer { start += count }
    return UnsafeRawBufferPointer(rebasing: buffer[start..<start + count])
  }

  /// Whether bytes are here already that no one has read.
  var isEmpty: Bool { start == end }
}
