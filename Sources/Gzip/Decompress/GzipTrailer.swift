/// The last 8 bytes of a member, little-endian: CRC-32 of the content, then its length modulo 2^32 (RFC 1952, 2.3.1).
struct GzipTrailer {
  static let byteCount = 8

  /// Offset of the trailer's first byte in the compressed stream.
  let offset: Int
  private var bits: UInt64
  private var count: Int

  /// Begins with the bytes that the decoder has already taken, the first in the lowest place of `lookahead`.
  init(offset: Int, lookahead: UInt64, count: Int) {
    self.offset = offset
    self.count = count
    bits = count >= Self.byteCount ? lookahead : lookahead & ((1 << UInt64(count * 8)) - 1)
  }

  var isComplete: Bool { count >= Self.byteCount }
  var checksum: UInt32 { UInt32(truncatingIfNeeded: bits) }
  var length: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) }

  mutating func append(_ byte: UInt8) {
    bits |= UInt64(byte) << UInt64(count * 8)
    count += 1
  }
}
