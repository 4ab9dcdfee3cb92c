import CISAL

/// ISA-L's decoder for one member at a time: its header, then its deflate data.
///
/// The trailer is left to the caller, since the library has one error for a wrong CRC-32 and a wrong length.
final class ISALInflater {
  /// What a step did.
  struct Step {
    /// Bytes taken from the input.
    var consumed: Int
    /// Bytes written to the output.
    var produced: Int
    /// The library's code; negative is an error.
    var code: CInt
    /// Whether the decoder's state changed, progress even when no byte moved.
    var advanced: Bool
  }

  private let memory: UnsafeMutableRawPointer
  private let state: UnsafeMutablePointer<inflate_state>
  // The header's fields outlive one call, because a header may be split over several inputs.
  private let header: UnsafeMutablePointer<isal_gzip_header>

  init() {
    let bytes = MemoryLayout<inflate_state>.size
    memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    state = memory.bindMemory(to: inflate_state.self, capacity: 1)
    header = .allocate(capacity: 1)
    header.initialize(to: isal_gzip_header())
    isal_inflate_init(state)
    prepareForMember()
  }

  deinit {
    memory.deallocate()
    header.deallocate()
  }

  /// Forgets everything of the member before.
  func prepareForMember() {
    isal_inflate_reset(state)
    // Name, comment and extra fields are skipped: their buffers are nil.
    isal_gzip_header_init(header)
    // The CRC-32 of the output is kept; neither header nor trailer is looked for in the data.
    state.pointee.crc_flag = UInt32(ISAL_GZIP_NO_HDR)
  }

  /// Reads on in a header; `ISAL_DECOMP_OK` at its end, `ISAL_END_INPUT` when it goes on past `input`.
  func readHeader(_ input: UnsafeBufferPointer<UInt8>) -> Step {
    step(input) { isal_read_gzip_header(state, header) }
  }

  /// Decodes from `input` to `output` (not empty) until one of them is used up or the deflate data ends.
  func inflate(_ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>) -> Step {
    let room = UInt32(min(output.count, codecInputLimit))
    state.pointee.next_out = output.baseAddress
    state.pointee.avail_out = room
    var result = step(input) { isal_inflate(state) }
    result.produced = Int(room - state.pointee.avail_out)
    return result
  }

  private func step(_ input: UnsafeBufferPointer<UInt8>, _ body: () -> CInt) -> Step {
    let offered = UInt32(min(input.count, codecInputLimit))
    // The library only reads through `next_in`. An empty input still needs an address.
    let address = input.baseAddress ?? UnsafePointer(memory.assumingMemoryBound(to: UInt8.self))
    state.pointee.next_in = UnsafeMutablePointer(mutating: address)
    state.pointee.avail_in = offered
    let stateBefore = state.pointee.block_state
    let bitsBefore = state.pointee.read_in_length
    let code = body()
    let advanced = state.pointee.block_state != stateBefore || state.pointee.read_in_length != bitsBefore
    return Step(
      consumed: Int(offered - state.pointee.avail_in), produced: 0, code: code, advanced: advanced)
  }

  /// Whether the header just read sets one of the bits that RFC 1952 reserves (2.3.1.2: "must give an error").
  var headerHasReservedFlag: Bool { header.pointee.flags & 0xE0 != 0 }

  /// Whether the deflate data has ended and all of its output was given out.
  var isBodyFinished: Bool { state.pointee.block_state == ISAL_BLOCK_FINISH }

  /// The CRC-32 of the member's output so far.
  var checksum: UInt32 { state.pointee.crc }

  /// Bytes that the decoder took beyond its current position, at most 8.
  var lookaheadCount: Int { Int(state.pointee.read_in_length) / 8 }

  /// The bytes of `lookaheadCount`, the first in the lowest place.
  var lookahead: UInt64 { state.pointee.read_in >> UInt64(state.pointee.read_in_length % 8) }
}
