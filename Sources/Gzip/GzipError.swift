/// Why a gzip stream could not be written or read.
///
/// An offset counts bytes of the compressed stream from its first byte, which is 0, through all members.
package enum GzipError: Error, Equatable, Sendable {
  /// The compression level is not one of `GzipCompressor.levels`.
  case invalidLevel(Int)
  /// The compressor was used after `finish(into:)`, or the decompressor was fed after `finish()`.
  case alreadyFinished
  /// `GzipDecompressor.finish()` was called while `next(maxBytes:)` still had bytes to give.
  case undrained
  /// The stream does not begin with the magic bytes 1F 8B of RFC 1952.
  case notGzip(offset: Int)
  /// A member's header asks for something RFC 1952 does not define: another method than deflate, or a reserved flag.
  case invalidHeader(offset: Int)
  /// The CRC-16 in a member's header does not match the header; the offset is the member's first byte.
  case headerChecksumMismatch(offset: Int)
  /// The stream ends inside a member; the offset is the stream's length. An empty stream is truncated at 0.
  case truncated(offset: Int)
  /// The deflate data of a member can't be decoded; the offset is where the decoder stood.
  case invalidData(offset: Int)
  /// A member's CRC-32 does not match its content; the offset is that of the stored CRC-32.
  case checksumMismatch(offset: Int)
  /// A member's stored length (ISIZE, modulo 2^32) does not match its content; the offset is that of the stored length.
  case lengthMismatch(offset: Int)
  /// Something other than a further member or zero padding follows the last member.
  case trailingGarbage(offset: Int)
  /// The compression library refused to work; the code is its own.
  case codec(library: String, code: Int)
}

extension GzipError {
  /// The byte of the compressed stream at which it is damaged; nil for the errors of a caller or the library.
  package var offset: Int? {
    switch self {
    case .notGzip(let offset), .invalidHeader(let offset), .headerChecksumMismatch(let offset), .truncated(let offset),
      .invalidData(let offset), .checksumMismatch(let offset), .lengthMismatch(let offset),
      .trailingGarbage(let offset):
      return offset
    case .invalidLevel, .alreadyFinished, .undrained, .codec: return nil
    }
  }
}

extension GzipError: CustomStringConvertible {
  /// One sentence for an operator.
  package var description: String {
    switch self {
    case .invalidLevel(let level):
      let levels = GzipCompressor.levels
      return "compression level \(level) is not in the range \(levels.lowerBound)...\(levels.upperBound)"
    case .alreadyFinished:
      return "the gzip stream was already finished"
    case .undrained:
      return "the gzip stream was finished before all of its content was taken"
    case .notGzip(let offset):
      return "the data is not gzip: no gzip header at byte \(offset)"
    case .invalidHeader(let offset):
      return "the gzip header at byte \(offset) uses a method or flag that gzip does not define"
    case .headerChecksumMismatch(let offset):
      return "the gzip header at byte \(offset) is damaged: its checksum does not match"
    case .truncated(let offset):
      return "the gzip stream is truncated: it ends inside a member at byte \(offset)"
    case .invalidData(let offset):
      return "the gzip stream is damaged: the compressed data near byte \(offset) can't be decoded"
    case .checksumMismatch(let offset):
      return "the gzip stream is damaged: the content does not match the CRC-32 stored at byte \(offset)"
    case .lengthMismatch(let offset):
      return "the gzip stream is damaged: the content does not match the length stored at byte \(offset)"
    case .trailingGarbage(let offset):
      return "the gzip stream is followed by data that is not gzip at byte \(offset)"
    case .codec(let library, let code):
      return "\(library) failed with code \(code)"
    }
  }
}
