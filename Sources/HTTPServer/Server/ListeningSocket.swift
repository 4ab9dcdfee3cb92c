import Glibc

/// A socket that accepts, non-blocking.
struct ListeningSocket {
  enum Accepted {
    case connection(descriptor: Int32)
    /// Nobody waits.
    case none
    /// The process or the system has no descriptor or memory left.
    case exhausted(errno: Int32)
  }

  let descriptor: Int32
  let port: Int

  /// - Throws: `HTTPServerError`, naming host and port.
  init(host: String, port: Int) throws(HTTPServerError) {
    let address = try SocketAddress(host: host, port: port)
    let name = address.text
    let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue) | Self.flags, 0)
    guard descriptor >= 0 else { throw HTTPServerError(call: "socket", address: name, errno: errno) }
    // A restart must not wait for the old connections' TIME_WAIT.
    Self.set(descriptor, SOL_SOCKET, SO_REUSEADDR, to: 1)
    if address.family == AF_INET6 { Self.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, to: 0) }
    var failedCall: String?
    if address.withPointer({ bind(descriptor, $0, $1) }) != 0 {
      failedCall = "bind"
    } else if listen(descriptor, SOMAXCONN) != 0 {
      failedCall = "listen"
    }
    if let failedCall {
      let number = errno
      Glibc.close(descriptor)
      throw HTTPServerError(call: failedCall, address: name, errno: number)
    }
    var result: Int32 = 0
    let bound = SocketAddress(filledBy: { getsockname(descriptor, $0, $1) }, result: &result)
    self.descriptor = descriptor
    self.port = bound?.port ?? port
  }

  func accept() -> Accepted {
    while true {
      let result = Glibc.accept(descriptor, nil, nil)
      if result >= 0 {
        // accept4 would set both at once, but Swift's Glibc module does not have it.
        _ = fcntl(result, F_SETFL, O_NONBLOCK)
        _ = fcntl(result, F_SETFD, FD_CLOEXEC)
        // Answers are written whole, so waiting to fill a packet only adds delay.
        Self.set(result, Int32(IPPROTO_TCP), TCP_NODELAY, to: 1)
        return .connection(descriptor: result)
      }
      switch errno {
      case EAGAIN: return .none
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted(errno: errno)
      // The rest are troubles of the one connection that was to be accepted (accept(2)): go on to the next.
      case EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP,
        ENETUNREACH:
        continue
      default: return .exhausted(errno: errno)
      }
    }
  }

  private static let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

  private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, to value: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }
}
