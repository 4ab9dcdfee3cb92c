import Essentials

/// The host and port of a URL, checked and in normal form.
struct URLAuthority {
  let host: String
  let port: Int?

  /// Reads `host`, `host:port` or `[IPv6]:port`. Lower-cases the host and takes off one trailing dot.
  init(_ text: Substring) throws(LakeError) {
    var host: Substring
    var portText: Substring?
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { throw .invalidURL(reason: "the host is malformed") }
      host = text[...end]
      let rest = text[text.index(after: end)...]
      guard rest.isEmpty || rest.hasPrefix(":") else { throw .invalidURL(reason: "the host is malformed") }
      portText = rest.isEmpty ? nil : rest.dropFirst()
      guard host == "[::1]" else { throw .invalidURL(reason: "the only IPv6 host is [::1], for an emulator") }
    } else {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard let first = parts.first, parts.count <= 2 else { throw .invalidURL(reason: "the host is malformed") }
      host = first
      portText = parts.count == 2 ? parts[1] : nil
      if host.hasSuffix(".") { host = host.dropLast() }
      guard Self.isHostName(host) else { throw .invalidURL(reason: "the host is missing or malformed") }
    }
    self.host = host.asciiLowercased()
    guard let portText else {
      port = nil
      return
    }
    guard portText.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let number = Int(portText),
      (1...65_535).contains(number)
    else { throw .invalidURL(reason: "the port is not a number from 1 to 65535") }
    port = number
  }

  /// Labels of letters, digits and inner hyphens (RFC 1123, 2.1), up to 63 bytes each and 253 in all.
  private static func isHostName(_ host: Substring) -> Bool {
    guard host.utf8.count <= 253 else { return false }
    return host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
      (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
        && label.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
          default: false
          }
        }
    }
  }

  /// Whether the host is this machine: `localhost` (RFC 6761, 6.3), `[::1]`, or 127.0.0.0/8 written as four decimals.
  var isLoopback: Bool {
    if host == "localhost" || host == "[::1]" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    // No leading zeros: some resolvers read them as octal.
    return parts.count == 4 && parts[0] == "127"
      && parts.allSatisfy { part in UInt8(part).map { String($0) == part } ?? false }
  }
}
