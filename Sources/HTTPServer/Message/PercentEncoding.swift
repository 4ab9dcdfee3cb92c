/// RFC 3986 §2.1, strict where a path is concerned and forgiving where a query is.
package enum PercentEncoding {
  /// The text behind a path segment, or nil when an escape is broken, the bytes are not UTF-8, or a NUL hides in it.
  package static func decodeStrictly(_ text: some StringProtocol) -> String? {
    guard let bytes = bytes(of: text, plusIsSpace: false, keepBroken: false), !bytes.contains(0) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  /// The text behind a query name or value: `+` is a space, a broken escape stands for itself, as browsers and ASP.NET
  /// read it.
  package static func decodeForm(_ text: some StringProtocol) -> String {
    String(decoding: bytes(of: text, plusIsSpace: true, keepBroken: true) ?? [], as: UTF8.self)
  }

  /// Escapes every byte of `text` but the unreserved ones of RFC 3986 §2.3.
  package static func encode(_ text: some StringProtocol) -> String {
    var out: [UInt8] = []
    for byte in text.utf8 { appendEscaped(byte, unless: isUnreserved(byte), to: &out) }
    return String(decoding: out, as: UTF8.self)
  }

  /// Makes a path that may hold spaces, non-ASCII text or lone `%` fit for a request target. Escapes that are whole are
  /// kept, so that a path that is already escaped does not change.
  package static func encodePath(_ path: some StringProtocol) -> String {
    let source = Array(path.utf8)
    var out: [UInt8] = []
    for (index, byte) in source.enumerated() {
      let isEscape =
        byte == 0x25 && index + 2 < source.count && source[index + 1].hexValue != nil
        && source[index + 2].hexValue != nil
      let isPlain = (0x21...0x7E).contains(byte) && byte != 0x25 && byte != 0x23 && byte != 0x3F
      appendEscaped(byte, unless: isEscape || isPlain, to: &out)
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    byte.isAlpha || byte.isDigit || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x7E
  }

  private static func appendEscaped(_ byte: UInt8, unless plain: Bool, to out: inout [UInt8]) {
    if plain {
      out.append(byte)
    } else {
      let digits = Array("0123456789ABCDEF".utf8)
      out += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
  }

  private static func bytes(of text: some StringProtocol, plusIsSpace: Bool, keepBroken: Bool) -> [UInt8]? {
    let source = Array(text.utf8)
    var out: [UInt8] = []
    out.reserveCapacity(source.count)
    var index = 0
    while index < source.count {
      let byte = source[index]
      if byte == 0x25 {
        if index + 2 < source.count, let high = source[index + 1].hexValue, let low = source[index + 2].hexValue {
          out.append(high << 4 | low)
          index += 3
          continue
        }
        if !keepBroken { return nil }
      }
      out.append(plusIsSpace && byte == 0x2B ? .space : byte)
      index += 1
    }
    return out
  }
}
