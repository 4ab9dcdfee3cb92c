/// A SHA-256 digest (FIPS 180-4): 32 bytes.
public struct SHA256Digest: Hashable, Sendable {
  /// Bytes of every digest.
  public static let byteCount = 32

  /// The digest's 32 bytes.
  public let bytes: [UInt8]

  /// Takes over 32 bytes; nil for any other count.
  public init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  /// Reads 64 hexadecimal digits of either case; nil for anything else.
  public init?(hex: String) {
    let digits = Array(hex.utf8)
    guard digits.count == Self.byteCount * 2 else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: digits.count, by: 2) {
      guard let high = HexDigit.value(digits[place]), let low = HexDigit.value(digits[place + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    self.bytes = bytes
  }

  /// Digests bytes that are in memory already.
  public init(of content: [UInt8]) {
    var hasher = SHA256Hasher()
    hasher.update(content)
    self = hasher.finish()
  }

  /// The digest as 64 lower-case hexadecimal digits, as sha256sum(1) prints it.
  public var hex: String {
    String(decoding: bytes.flatMap { [HexDigit.lower[Int($0 >> 4)], HexDigit.lower[Int($0 & 15)]] }, as: UTF8.self)
  }
}

extension SHA256Digest: CustomStringConvertible {
  /// The same as `hex`.
  public var description: String { hex }
}

extension SHA256Digest: Codable {
  /// Reads the hexadecimal form; throws `DecodingError.dataCorrupted` for any other string.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let digest = SHA256Digest(hex: try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "a SHA-256 digest is written as 64 hexadecimal digits")
    }
    self = digest
  }

  /// Writes the hexadecimal form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(hex)
  }
}
