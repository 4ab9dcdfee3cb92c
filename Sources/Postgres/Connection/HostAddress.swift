import Essentials
import Glibc

/// One address to try for a target: libpq's `host` and `hostaddr`.
struct HostAddress: Equatable, Sendable {
  /// The name as configured: for messages and for checking the certificate.
  let host: String
  /// Its numeric address; nil for a socket directory.
  let address: String?

  var description: String {
    guard let address, address != host else { return host }
    return "\(host) (\(address))"
  }

  /// All addresses of a comma-separated host list, in order. Names are resolved here and not by libpq, which would try
  /// them one after the other under a single time limit of ours; so each address has a limit of its own, as
  /// `connect_timeout` of a blocking libpq connection has. Blocks for the look-up: called on a connection's own queue.
  static func resolve(_ hosts: String, port: Int) -> (addresses: [HostAddress], problems: [String]) {
    var addresses: [HostAddress] = []
    var problems: [String] = []
    for host in hosts.split(separator: ",").map({ $0.trimmingSpaceAndTab() }) where !host.isEmpty {
      if host.hasPrefix("/") || host.hasPrefix("@") {
        addresses.append(HostAddress(host: host, address: nil))
        continue
      }
      var hints = addrinfo()
      hints.ai_family = AF_UNSPEC
      hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
      var list: UnsafeMutablePointer<addrinfo>?
      let status = getaddrinfo(host, String(port), &hints, &list)
      defer { if let list { freeaddrinfo(list) } }
      guard status == 0 else {
        problems.append("\(host): \(String(cString: gai_strerror(status)))")
        continue
      }
      var item = list
      while let current = item {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        if getnameinfo(
          current.pointee.ai_addr, current.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
          == 0
        {
          let numeric = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
          let address = HostAddress(host: host, address: numeric)
          if !addresses.contains(address) { addresses.append(address) }
        }
        item = current.pointee.ai_next
      }
    }
    return (addresses, problems)
  }
}
