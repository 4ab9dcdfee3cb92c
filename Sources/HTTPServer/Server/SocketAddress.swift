import Essentials
import Glibc

/// An IPv4 or IPv6 address with its port.
struct SocketAddress {
  private var storage = sockaddr_storage()
  private var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

  /// - Throws: `HTTPServerError.badHost`, `.badPort`.
  init(host: String, port: Int) throws(HTTPServerError) {
    guard let port16 = UInt16(exactly: port) else { throw .badPort(port) }
    var literal = host.equalsIgnoringASCIICase("localhost") ? "127.0.0.1" : host
    if literal.hasPrefix("["), literal.hasSuffix("]") { literal = String(literal.dropFirst().dropLast()) }
    var v4 = sockaddr_in()
    var v6 = sockaddr_in6()
    if inet_pton(AF_INET, literal, &v4.sin_addr) == 1 {
      v4.sin_family = sa_family_t(AF_INET)
      v4.sin_port = port16.bigEndian
      store(v4)
    } else if inet_pton(AF_INET6, literal, &v6.sin6_addr) == 1 {
      v6.sin6_family = sa_family_t(AF_INET6)
      v6.sin6_port = port16.bigEndian
      store(v6)
    } else {
      throw .badHost(host)
    }
  }

  /// Filled by `fill`, which gets the place for an address as `getsockname` wants it.
  /// - Returns: nil when `fill` returns a negative number; `errno` says why.
  init?(filledBy fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32, result: inout Int32)
  {
    var length = self.length
    result = withUnsafeMutableBytes(of: &storage) { raw in
      raw.baseAddress.map { fill($0.assumingMemoryBound(to: sockaddr.self), &length) } ?? -1
    }
    if result < 0 { return nil }
    self.length = length
  }

  private mutating func store<Value>(_ address: Value) {
    withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: address, as: Value.self) }
    length = socklen_t(MemoryLayout<Value>.size)
  }

  var family: Int32 { Int32(storage.ss_family) }

  func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }

  var port: Int {
    withUnsafeBytes(of: storage) { raw in
      let port =
        family == AF_INET6 ? raw.load(as: sockaddr_in6.self).sin6_port : raw.load(as: sockaddr_in.self).sin_port
      return Int(UInt16(bigEndian: port))
    }
  }

  /// `127.0.0.1:80`, `[::1]:80`
  var text: String {
    withUnsafeBytes(of: storage) { raw in
      var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
      let isV6 = family == AF_INET6
      if isV6 {
        var address = raw.load(as: sockaddr_in6.self).sin6_addr
        inet_ntop(AF_INET6, &address, &buffer, socklen_t(buffer.count))
      } else {
        var address = raw.load(as: sockaddr_in.self).sin_addr
        inet_ntop(AF_INET, &address, &buffer, socklen_t(buffer.count))
      }
      let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      let host = String(decoding: bytes, as: UTF8.self)
      return (isV6 ? "[\(host)]" : host) + ":\(port)"
    }
  }
}
