import Dispatch
import Essentials
import Foundation
import Glibc

/// Looks up a host and connects to it, without speaking to it.
package enum HostProbe {
  /// A host and its port; a socket directory begins with `/`.
  package struct Address: Sendable, Equatable {
    package var name: String
    package var port: Int

    package init(name: String, port: Int) {
      self.name = name
      self.port = port
    }
  }

  /// Seconds that one address has to answer.
  private static let patience: Int32 = 3

  private struct Found: Sendable {
    var addresses: [String] = []
    var problem: String?
    /// By address: nil where it connected, else why it did not.
    var connected: [(address: String, problem: String?)] = []
  }

  /// The checks of a host: its addresses, and whether one of them takes a TCP connection.
  static func checks(_ topic: DoctorTopic, _ host: Address) async -> [DoctorCheck] {
    if host.name.hasPrefix("/") || host.name.hasPrefix("@") {
      return [DoctorCheck(topic, .ok, "\(host.name) is a socket directory of this machine")]
    }
    let found = await withCheckedContinuation { (done: CheckedContinuation<Found, Never>) in
      DispatchQueue.global(qos: .utility).async { done.resume(returning: look(host)) }
    }
    if let problem = found.problem {
      return [
        DoctorCheck(
          topic, .failed, "the host name \(host.name) cannot be looked up: \(problem)",
          remedy:
            "check the name, and the private DNS zone that the network of this machine is linked to: getent hosts \(host.name)"
        )
      ]
    }
    let reach = found.addresses.map { isPrivate($0) ? "\($0) (private)" : "\($0) (public)" }.joined(separator: ", ")
    let failures = found.connected.filter { $0.problem != nil }
    guard failures.count < found.connected.count else {
      let reasons = failures.map { "\($0.address): \($0.problem ?? "")" }.joined(separator: "; ")
      return [
        DoctorCheck(
          topic, .failed, "no TCP connection to \(host.name) port \(host.port): \(reasons)",
          remedy:
            "open the firewall and the network rules for this machine, or use the private endpoint: nc -vz \(host.name) \(host.port)"
        )
      ]
    }
    let unreachable = failures.map { "\($0.address) does not answer (\($0.problem ?? ""))" }
    let text = "\(host.name) is \(reach), and port \(host.port) is open"
    return [
      DoctorCheck(
        topic, failures.isEmpty ? .ok : .warning, ([text] + unreachable).joined(separator: "; "),
        remedy: failures.isEmpty
          ? nil : "remove the address from DNS, or open the way to it: each connection may try it first")
    ]
  }

  /// Whether an address is of a private network, of the link or of this machine (RFC 1918, RFC 4193, RFC 3927, RFC 4291).
  static func isPrivate(_ address: String) -> Bool {
    var four = in_addr()
    if inet_pton(AF_INET, address, &four) == 1 {
      let number = UInt32(bigEndian: four.s_addr)
      let ranges: [(UInt32, UInt32)] = [
        (0x0A00_0000, 8), (0xAC10_0000, 12), (0xC0A8_0000, 16), (0x7F00_0000, 8), (0xA9FE_0000, 16), (0x6440_0000, 10),
      ]
      return ranges.contains { number >> (32 - $0.1) == $0.0 >> (32 - $0.1) }
    }
    var six = in6_addr()
    guard inet_pton(AF_INET6, address, &six) == 1 else { return false }
    let bytes = withUnsafeBytes(of: six) { Array($0) }
    if bytes.dropLast().allSatisfy({ $0 == 0 }) && bytes[15] == 1 { return true }
    // An IPv4 address in an IPv6 one.
    if bytes[0..<10].allSatisfy({ $0 == 0 }) && bytes[10] == 0xFF && bytes[11] == 0xFF {
      return isPrivate(bytes[12...].map { "\($0)" }.joined(separator: "."))
    }
    return bytes[0] & 0xFE == 0xFC || bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
  }

  /// Blocks.
  private static func look(_ host: Address) -> Found {
    var found = Found()
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host.name, String(host.port), &hints, &list)
    defer { if let list { freeaddrinfo(list) } }
    guard status == 0 else {
      found.problem = String(cString: gai_strerror(status))
      return found
    }
    var item = list
    while let current = item {
      item = current.pointee.ai_next
      guard let address = numeric(current.pointee), !found.addresses.contains(address) else { continue }
      found.addresses.append(address)
      found.connected.append((address, connect(current.pointee)))
    }
    return found
  }

  private static func numeric(_ info: addrinfo) -> String? {
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    guard getnameinfo(info.ai_addr, info.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else {
      return nil
    }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Nil where the address takes a connection, else why not.
  private static func connect(_ info: addrinfo) -> String? {
    let number = socket(
      info.ai_family, info.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { return String(cString: strerror(errno)) }
    defer { close(number) }
    if Glibc.connect(number, info.ai_addr, info.ai_addrlen) == 0 { return nil }
    guard errno == EINPROGRESS else { return String(cString: strerror(errno)) }
    var wait = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
    var result: Int32
    repeat { result = poll(&wait, 1, patience * 1000) } while result < 0 && errno == EINTR
    guard result > 0 else { return result == 0 ? "no answer within \(patience) s" : String(cString: strerror(errno)) }
    var problem: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(number, SOL_SOCKET, SO_ERROR, &problem, &length) == 0, problem != 0 else { return nil }
    return String(cString: strerror(problem))
  }
}
