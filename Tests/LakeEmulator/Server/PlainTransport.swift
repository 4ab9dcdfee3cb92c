import Glibc

/// A socket as it is.
final class PlainTransport: Transport {
  private let socket: Int32

  init(socket: Int32) {
    self.socket = socket
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ConnectionLoss) -> Int {
    while true {
      let count = recv(socket, buffer.baseAddress, buffer.count, 0)
      if count >= 0 { return count }
      guard errno == EINTR else { throw ConnectionLoss() }
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(ConnectionLoss) {
    var rest = bytes
    while !rest.isEmpty {
      let count = send(socket, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      if count > 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      } else if errno != EINTR {
        throw ConnectionLoss()
      }
    }
  }

  /// By sendfile: the bytes never come into this process, which is to cost a benchmark as little as it can.
  func write(file descriptor: Int32, offset: Int, count: Int) throws(ConnectionLoss) {
    var position = off_t(offset)
    let end = position + off_t(count)
    while position < end {
      let sent = sendfile(socket, descriptor, &position, Int(end - position))
      guard sent > 0 || (sent < 0 && errno == EINTR) else { throw ConnectionLoss() }
    }
  }

  func finish() {}
}
