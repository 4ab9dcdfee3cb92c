/// `X-Request-Id`: what a request is called in answers and logs.
package enum RequestID {
  package static let header = "X-Request-Id"
  /// The longest one that is taken over from a client, in bytes.
  static let maximumBytes = 128

  /// The client's id when it sent one that is fit for headers and logs, else a new one.
  static func of(_ headers: HTTPHeaders) -> String { given(headers) ?? make() }

  /// The client's id; nil when it sent none, several, or one that is not fit.
  static func given(_ headers: HTTPHeaders) -> String? {
    let values = headers.values(header)
    return values.count == 1 && isUsable(values[0]) ? values[0] : nil
  }

  /// 32 hexadecimal digits at random.
  static func make() -> String {
    var generator = SystemRandomNumberGenerator()
    let digits = Array("0123456789abcdef".utf8)
    let id = (0..<2).flatMap { _ in
      let bits = generator.next()
      return (0..<16).map { digits[Int(bits >> (UInt64($0) * 4) & 15)] }
    }
    return String(decoding: id, as: UTF8.self)
  }

  private static func isUsable(_ id: String) -> Bool {
    (1...maximumBytes).contains(id.utf8.count)
      && id.utf8.allSatisfy { $0.isAlpha || $0.isDigit || "-._~:+/=".utf8.contains($0) }
  }
}
