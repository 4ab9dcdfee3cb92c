import CISAL

extension GzipDecompressor {
  private static let magic: [UInt8] = [0x1F, 0x8B]

  /// Works until `output` is full or the input is used up; returns the bytes written.
  mutating func fill(_ output: UnsafeMutableBufferPointer<UInt8>) throws(GzipError) -> Int {
    var filled = 0
    while filled < output.count {
      switch stage {
      case .betweenMembers:
        guard position < input.count else { return filled }
        beginMember()
      case .header:
        guard position < input.count else { return filled }
        try readHeader()
      case .body:
        let room = UnsafeMutableBufferPointer(rebasing: output[filled...])
        guard let produced = try inflate(into: room) else { return filled }
        filled += produced
      case .trailer(let trailer):
        guard try readTrailer(trailer) else { return filled }
      case .padding:
        guard position < input.count else { return filled }
        try skipPadding()
      }
    }
    return filled
  }

  private mutating func beginMember() {
    memberStart = inputBytes
    memberOutput = 0
    if members > 0 && input[position] == 0 {
      stage = .padding
    } else {
      inflater.prepareForMember()
      stage = .header
    }
  }

  private mutating func readHeader() throws(GzipError) {
    // The library looks at the magic bytes only when it has a whole header; a short text file shall not be "truncated".
    for index in Self.magic.indices.dropFirst(inputBytes - memberStart) {
      let place = memberStart + index - inputStart
      guard place < input.count else { break }
      guard input[place] == Self.magic[index] else {
        throw members == 0 ? .notGzip(offset: memberStart) : .trailingGarbage(offset: memberStart)
      }
    }
    let step = input.withUnsafeBufferPointer { inflater.readHeader(UnsafeBufferPointer(rebasing: $0[position...])) }
    position += step.consumed
    switch step.code {
    case ISAL_DECOMP_OK where inflater.headerHasReservedFlag: throw .invalidHeader(offset: memberStart)
    case ISAL_DECOMP_OK: stage = .body
    case ISAL_END_INPUT: break
    case ISAL_INCORRECT_CHECKSUM: throw .headerChecksumMismatch(offset: memberStart)
    default: throw .invalidHeader(offset: memberStart)
    }
  }

  /// Decodes into `room`, which is not empty; nil when more input is needed.
  private mutating func inflate(into room: UnsafeMutableBufferPointer<UInt8>) throws(GzipError) -> Int? {
    // Called without input too: the library may hold output that did not fit before.
    let step = input.withUnsafeBufferPointer {
      inflater.inflate(UnsafeBufferPointer(rebasing: $0[position...]), into: room)
    }
    position += step.consumed
    memberOutput += step.produced
    guard step.code >= 0 else { throw .invalidData(offset: max(memberStart, inputBytes - inflater.lookaheadCount)) }
    if inflater.isBodyFinished {
      let lookahead = inflater.lookaheadCount
      stage = .trailer(
        GzipTrailer(offset: inputBytes - lookahead, lookahead: inflater.lookahead, count: lookahead))
      return step.produced
    }
    if step.produced == 0 && step.consumed == 0 {
      if position == input.count { return nil }
      // Room and input, and nothing done: the decoder is stuck. Better an error than an endless loop.
      guard step.advanced else { throw .invalidData(offset: inputBytes) }
    }
    return step.produced
  }

  /// Reads on in the trailer; false when more input is needed.
  private mutating func readTrailer(_ begun: GzipTrailer) throws(GzipError) -> Bool {
    var trailer = begun
    while !trailer.isComplete && position < input.count {
      trailer.append(input[position])
      position += 1
    }
    stage = .trailer(trailer)
    guard trailer.isComplete else { return false }
    guard trailer.checksum == inflater.checksum else { throw .checksumMismatch(offset: trailer.offset) }
    guard trailer.length == UInt32(truncatingIfNeeded: memberOutput) else {
      throw .lengthMismatch(offset: trailer.offset + 4)
    }
    members += 1
    stage = .betweenMembers
    return true
  }

  private mutating func skipPadding() throws(GzipError) {
    let rest = input[position...]
    guard let other = rest.firstIndex(where: { $0 != 0 }) else {
      position = input.count
      return
    }
    throw .trailingGarbage(offset: inputStart + other)
  }
}

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
