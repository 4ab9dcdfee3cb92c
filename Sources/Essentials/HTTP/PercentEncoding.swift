/// Percent-encoding (RFC 3986 §2.1), always with upper-case digits.
package enum PercentEncoding {
  /// Escapes every byte of `text` that `isPlain` does not let through; by default all but the unreserved ones (§2.3).
  package static func encode(
    _ text: some StringProtocol, leaving isPlain: (UInt8) -> Bool = { $0.isUnreserved }
  ) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(text.utf8.count)
    for byte in text.utf8 { append(byte, escaped: !isPlain(byte), to: &out) }
    return String(decoding: out, as: UTF8.self)
  }

  /// Appends a byte, or its escape.
  package static func append(_ byte: UInt8, escaped: Bool, to out: inout [UInt8]) {
    guard escaped else { return out.append(byte) }
    out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
  }

  /// The text behind `text`; nil when an escape is broken or the bytes are not UTF-8. `+` stays a plus sign.
  package static func decode(_ text: some StringProtocol) -> String? {
    bytes(of: text.utf8).flatMap { String(validating: $0, as: UTF8.self) }
  }

  /// The bytes behind `text`; nil when an escape is broken, unless `keepsBroken`: then it stands for itself.
  package static func bytes(of text: some Sequence<UInt8>, keepsBroken: Bool = false) -> [UInt8]? {
    let source = Array(text)
    var out: [UInt8] = []
    out.reserveCapacity(source.count)
    var index = 0
    while index < source.count {
      if let byte = escape(in: source, at: index) {
        out.append(byte)
        index += 3
      } else {
        guard keepsBroken || source[index] != UInt8(ascii: "%") else { return nil }
        out.append(source[index])
        index += 1
      }
    }
    return out
  }

  /// The byte that an escape at `index` stands for; nil where there is no whole one.
  package static func escape(in bytes: [UInt8], at index: Int) -> UInt8? {
    guard bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = bytes[index + 1].hexValue,
      let low = bytes[index + 2].hexValue
    else { return nil }
    return high << 4 | low
  }

  private static let digits = Array("0123456789ABCDEF".utf8)
}
