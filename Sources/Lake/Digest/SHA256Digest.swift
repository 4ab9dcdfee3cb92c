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

  /// The digest as 64 lower-case hexadecimal digits, as sha256sum(1) prints it.
  public var hex: String {
    String(decoding: bytes.flatMap { [HexDigit.lower[Int($0 >> 4)], HexDigit.lower[Int($0 & 15)]] }, as: UTF8.self)
  }
}

extension SHA256Digest: CustomStringConvertible {
  /// The same as `hex`.
  public var description: String { hex }
}
