import Glibc

/// A socket that listens on 127.0.0.1.
final class ListeningSocket: Sendable {
  let descriptor: Int32
  let port: Int

  /// - Parameter port: 0 for any that is free.
  /// - Throws: ``EmulatorError``.
  init(port: Int) throws(EmulatorError) {
    guard let number = UInt16(exactly: port) else { throw EmulatorError("port \(port) is not within 0...65535.") }
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var one: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = number.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, size) == 0 && listen(descriptor, 1024) == 0
          && getsockname(descriptor, address, &size) == 0
      }
    }
    guard status else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw EmulatorError("127.0.0.1:\(port) cannot be listened on: \(reason).")
    }
    self.port = Int(UInt16(bigEndian: address.sin_port))
  }

  /// Waits for a client.
  /// - Returns: its socket; nil when the listening has ended.
  func accept() -> Int32? {
    while true {
      let socket = Glibc.accept(descriptor, nil, nil)
      if socket >= 0 {
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        var one: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        return socket
      }
      switch errno {
      case EINTR, ECONNABORTED: continue
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: usleep(10_000)
      default: return nil
      }
    }
  }

  /// Wakes ``accept()``, which then returns nil.
  func stop() {
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  deinit { close(descriptor) }
}
