/// The spelling of URLs (RFC 3986).
enum URLText {
  /// Undoes the percent-encoding of one segment; `+` stays a plus sign, as in any path.
  static func decodeSegment(_ segment: some StringProtocol) throws(LakeError) -> String {
    var bytes: [UInt8] = []
    var rest = Array(segment.utf8)[...]
    while let first = rest.popFirst() {
      guard first == UInt8(ascii: "%") else {
        bytes.append(first)
        continue
      }
      guard let high = rest.popFirst().flatMap(HexDigit.value), let low = rest.popFirst().flatMap(HexDigit.value) else {
        throw .invalidURL(reason: "a % in the path is not followed by two hexadecimal digits")
      }
      bytes.append(high << 4 | low)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .invalidURL(reason: "the path is not UTF-8")
    }
    return text
  }

  /// Percent-encodes everything but RFC 3986's unreserved characters.
  static func encodeSegment(_ segment: some StringProtocol) -> String {
    var text: [UInt8] = []
    for byte in segment.utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        text.append(byte)
      default: text += [UInt8(ascii: "%"), HexDigit.upper[Int(byte >> 4)], HexDigit.upper[Int(byte & 15)]]
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The decoded segments of a path that begins with `/` or is empty; one slash at its end is allowed.
  static func segments(of path: some StringProtocol) throws(LakeError) -> [String] {
    var parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    parts.removeFirst()  // What stands before the first slash.
    if parts.last == "" { parts.removeLast() }
    var decoded: [String] = []
    for part in parts { decoded.append(try decodeSegment(part)) }
    return decoded
  }
}
