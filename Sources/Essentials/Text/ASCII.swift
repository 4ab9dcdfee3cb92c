/// Upper and lower case of ASCII alone, for the names, tokens and values of protocols.
///
/// Unicode's case mapping must not decide there: it turns U+212A KELVIN SIGN into `k`, so that `chun\u{212A}ed` would count
/// as `chunked` here and as something unknown to whoever stands in front. (`make lint` finds `lowercased()` and its like.)
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

  /// Equality of the bytes but for ASCII case, without a copy. Unlike `==`, it knows no canonical equivalence either.
  @inlinable package func equalsIgnoringASCIICase(_ other: some StringProtocol) -> Bool {
    utf8.lazy.map(\.asciiLowercased).elementsEqual(other.utf8.lazy.map(\.asciiLowercased))
  }

  /// Whether the text begins with `prefix`, but for ASCII case.
  @inlinable package func hasPrefixIgnoringASCIICase(_ prefix: some StringProtocol) -> Bool {
    utf8.lazy.map(\.asciiLowercased).starts(with: prefix.utf8.lazy.map(\.asciiLowercased))
  }
}
