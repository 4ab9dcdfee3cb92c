import CSSL
import Glibc

/// A socket with TLS on it, blocking.
final class TLSTransport: Transport {
  private let session: OpaquePointer
  private var isUsable = false

  /// Shakes hands.
  init(socket: Int32, context: TLSContext) throws(ConnectionLoss) {
    guard let session = SSL_new(context.pointer) else { throw ConnectionLoss() }
    self.session = session
    ERR_clear_error()
    guard SSL_set_fd(session, socket) == 1, SSL_accept(session) == 1 else { throw ConnectionLoss() }
    isUsable = true
  }

  deinit { SSL_free(session) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ConnectionLoss) -> Int {
    ERR_clear_error()
    let count = SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count))
    if count > 0 { return Int(count) }
    let reason = SSL_get_error(session, count)
    // After any other failure OpenSSL forbids a further call on the session, the one that sends close_notify included.
    isUsable = reason == SSL_ERROR_ZERO_RETURN
    guard isUsable else { throw ConnectionLoss() }
    return 0
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(ConnectionLoss) {
    var rest = bytes
    while !rest.isEmpty {
      ERR_clear_error()
      let count = SSL_write(session, rest.baseAddress, Int32(clamping: rest.count))
      guard count > 0 else {
        isUsable = false
        throw ConnectionLoss()
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[Int(count)...])
    }
  }

  func write(file descriptor: Int32, offset: Int, count: Int) throws(ConnectionLoss) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
    defer { buffer.deallocate() }
    var position = offset
    while position < offset + count {
      let read = pread(descriptor, buffer.baseAddress, min(buffer.count, offset + count - position), position)
      guard read > 0 else { throw ConnectionLoss() }
      try write(UnsafeRawBufferPointer(rebasing: buffer[..<read]))
      position += read
    }
  }

  func finish() {
    if isUsable { SSL_shutdown(session) }
  }
}
