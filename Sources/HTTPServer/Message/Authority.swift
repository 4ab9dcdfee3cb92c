import Essentials
import Glibc

/// Host and port of a `Host` field or of a target in absolute form: RFC 3986 §3.2.2 and §3.2.3, without user information,
/// which RFC 9110 §4.2.4 makes an error.
package struct Authority: Equatable, Sendable {
  package enum Host: Equatable, Sendable {
    /// A registered name as sent, percent-encoded.
    case name(String)
    /// Four decimal octets.
    case ipv4(String)
    /// The address without its brackets.
    case ipv6(String)
    /// What stands in the brackets, from the `v` on.
    case ipvFuture(String)
  }

  package let host: Host
  /// Nil when none is given, or none after the colon.
  package let port: Int?

  /// Nil for what is not an authority, or has an empty host or a port above 65535.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    let hostEnd: Int
    if bytes.first == UInt8(ascii: "[") {
      guard let end = bytes.firstIndex(of: UInt8(ascii: "]")), let literal = Self.literal(bytes[1..<end]) else {
        return nil
      }
      host = literal
      hostEnd = end + 1
    } else {
      hostEnd = bytes.firstIndex(of: .colon) ?? bytes.count
      guard hostEnd > 0, Self.isRegisteredName(bytes[..<hostEnd]) else { return nil }
      let name = String(decoding: bytes[..<hostEnd], as: UTF8.self)
      host = Self.isIPv4(name) ? .ipv4(name) : .name(name)
    }
    guard hostEnd < bytes.count else {
      port = nil
      return
    }
    let digits = bytes[(hostEnd + 1)...]
    guard bytes[hostEnd] == .colon, digits.allSatisfy(\.isDigit) else { return nil }
    guard !digits.isEmpty else {
      port = nil
      return
    }
    guard let port = UInt16(String(decoding: digits, as: UTF8.self)) else { return nil }
    self.port = Int(port)
  }

  /// Whether the host is this machine by a name that no name server is asked for: `localhost` (RFC 6761 §6.3), 127.0.0.0/8,
  /// `[::1]`.
  package var isLoopback: Bool {
    switch host {
    case .name(let name): name.equalsIgnoringASCIICase("localhost")
    case .ipv4(let address): address.hasPrefix("127.")
    case .ipv6(let address): Self.ipv6(address) == Self.ipv6("::1")
    case .ipvFuture: false
    }
  }

  /// `*( unreserved / pct-encoded / sub-delims )`
  private static func isRegisteredName(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard rest.popFirst()?.hexValue != nil, rest.popFirst()?.hexValue != nil else { return false }
      } else if !isUnreservedOrDelimiter(byte) {
        return false
      }
    }
    return true
  }

  /// `unreserved / sub-delims`
  private static func isUnreservedOrDelimiter(_ byte: UInt8) -> Bool {
    byte.isUnreserved || "!$&'()*+,;=".utf8.contains(byte)
  }

  /// `dec-octet "." dec-octet "." dec-octet "." dec-octet`, without zeros in front.
  private static func isIPv4(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { part in UInt8(part).map { String($0) == part } ?? false }
  }

  /// `IPv6address / IPvFuture`
  private static func literal(_ bytes: ArraySlice<UInt8>) -> Host? {
    let text = String(decoding: bytes, as: UTF8.self)
    if bytes.first?.asciiLowercased != UInt8(ascii: "v") { return ipv6(text).map { _ in .ipv6(text) } }
    guard let dot = bytes.firstIndex(of: UInt8(ascii: ".")) else { return nil }
    let version = bytes[bytes.startIndex + 1..<dot]
    let address = bytes[(dot + 1)...]
    guard !version.isEmpty, version.allSatisfy({ $0.hexValue != nil }), !address.isEmpty,
      address.allSatisfy({ isUnreservedOrDelimiter($0) || $0 == .colon })
    else { return nil }
    return .ipvFuture(text)
  }

  private static func ipv6(_ text: String) -> [UInt8]? {
    // A NUL would end the text for inet_pton; the grammar has neither that nor a zone.
    guard text.utf8.allSatisfy({ $0.hexValue != nil || $0 == .colon || $0 == UInt8(ascii: ".") }) else { return nil }
    var address = [UInt8](repeating: 0, count: 16)
    return inet_pton(AF_INET6, text, &address) == 1 ? address : nil
  }
}
