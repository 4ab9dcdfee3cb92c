import Essentials

/// `X-Request-Id`: what a request is called in answers and logs.
package enum RequestID {
  package static let header = "X-Request-Id"
  /// The longest one that is taken over from a client, in bytes.
  static let maximumBytes = 128

  /// The client's id when it sent one that is fit for headers and logs, else a new one.
  static func of(_ headers: HTTPFields) -> String { given(headers) ?? make() }

  /// The client's id; nil when it sent none, several, or one that is not fit.
  static func given(_ headers: HTTPFields) -> String? {
    let values = headers.values(header)
    return values.count == 1 && isUsable(values[0]) ? values[0] : nil
  }

  /// 32 hexadecimal digits at random.
  static func make() -> String {
    var generator = SystemRandomNumberGenerator()
    var bits = (generator.next(), generator.next())
    return String(unsafeUninitializedCapacity: 32) { text in
      for position in 0..<32 {
        let digit = UInt8(truncatingIfNeeded: bits.0 & 15)
        text[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        bits.0 = position == 15 ? bits.1 : bits.0 >> 4
      }
      return 32
    }
  }

  private static func isUsable(_ id: String) -> Bool {
    (1...maximumBytes).contains(id.utf8.count)
      && id.utf8.allSatisfy { $0.isAlpha || $0.isDigit || "-._~:+/=".utf8.contains($0) }
  }
}
