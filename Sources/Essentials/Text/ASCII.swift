/// Upper and lower case of ASCII alone, for the names, tokens and values of protocols.
///
/// Unicode's case mapping must not decide there: it turns U+212A KELVIN SIGN into `k`, so that `chun\u{212A}ed` would count
/// as `chunked` here and as an unknown coding to a proxy in front. (`make lint` finds `lowercased()` and its like.)
extension UInt8 {
  /// Lower case of `A` to `Z`; other bytes are left alone.
  @inlinable package var asciiLowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }

  /// Upper case of `a` to `z`; other bytes are left alone.
  @inlinable package var asciiUppercased: UInt8 { (0x61...0x7A).contains(self) ? self & ~0x20 : self }
}

extension StringProtocol {
  /// The text with `A` to `Z` in lower case and nothing else changed.
  @inlinable package func asciiLowercased() -> String { String(decoding: utf8.map(\.asciiLowercased), as: UTF8.self) }

  /// The text with `a` to `z` in upper case and nothing else changed.
  @inlinable package func asciiUppercased() -> String { String(decoding: utf8.map(\.asciiUppercased), as: UTF8.self) }

  /// Equality of the bytes but for ASCII case, without a copy. Unlike `==`, it does not treat canonically equivalent
  /// texts as equal.
  @inlinable package func equalsIgnoringASCIICase(_ other: some StringProtocol) -> Bool {
    utf8.lazy.map(\.asciiLowercased).elementsEqual(other.utf8.lazy.map(\.asciiLowercased))
  }

  /// Whether the text begins with `prefix`, but for ASCII case.
  @inlinable package func hasPrefixIgnoringASCIICase(_ prefix: some StringProtocol) -> Bool {
    utf8.lazy.map(\.asciiLowercased).starts(with: prefix.utf8.lazy.map(\.asciiLowercased))
  }
}

/// Bytes by their ASCII class, as the grammars of protocols name them (RFC 5234 appendix B.1, RFC 9110 §5.6).
extension UInt8 {
  package static let space: UInt8 = 0x20

  @inlinable package var isSpaceOrTab: Bool { self == 0x20 || self == 0x09 }

  @inlinable package var isDigit: Bool { (0x30...0x39).contains(self) }

  @inlinable package var isAlpha: Bool { (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self) }

  /// `tchar` of RFC 9110 §5.6.2: what methods and field names are made of.
  @inlinable package var isTokenByte: Bool {
    if isAlpha || isDigit { return true }
    switch self {
    case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: return true
    default: return false
    }
  }

  /// RFC 9110 §5.5: visible characters, space, tab and obs-text.
  @inlinable package var isFieldValueByte: Bool { self == 0x09 || (self >= 0x20 && self != 0x7F) }

  /// `unreserved` of RFC 3986 §2.3.
  @inlinable package var isUnreserved: Bool {
    isAlpha || isDigit || self == 0x2D || self == 0x2E || self == 0x5F || self == 0x7E
  }

  /// The value of a hexadecimal digit of either case; nil for any other byte.
  @inlinable package var hexValue: UInt8? {
    switch self {
    case 0x30...0x39: self - 0x30
    case 0x41...0x46: self - 0x41 + 10
    case 0x61...0x66: self - 0x61 + 10
    default: nil
    }
  }
}

extension Sequence<UInt8> {
  /// Two lower-case hexadecimal digits for each byte.
  package var hex: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
