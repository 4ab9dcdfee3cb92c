/// Writes one gzip member (RFC 1952), piece by piece, in a fixed amount of memory (about half a MiB).
///
/// Levels 1 to 3 are ISA-L's, 4 to 9 zlib's. The header holds neither a time nor a name, so equal input at an equal
/// level, cut into pieces of any size, gives an equal content; and the same pieces give the same bytes.
///
/// Calls block the thread for as long as the compression takes: run them off the cooperative pool.
///
/// `@unchecked Sendable`: the library's state is reachable only through `deflater`, which never leaves this value; the
/// value can't be copied, and every use of the state is a `mutating` call, for which Swift demands exclusive access. So
/// the state may move between threads but is never used by two at a time.
package struct GzipCompressor: ~Copyable, @unchecked Sendable {
  /// The levels there are: 1 is fastest, 9 smallest.
  package static let levels = 1...9

  /// The level that keeps up with a database: ISA-L's level 1.
  package static let defaultLevel = 1

  /// Bytes given to `compress` so far.
  package private(set) var inputBytes = 0

  /// Bytes of the gzip stream given out so far.
  package private(set) var outputBytes = 0

  private let deflater: any Deflater
  private var isFinished = false

  /// Prepares a member.
  ///
  /// Throws `GzipError.invalidLevel` when `level` is not in `levels`, `GzipError.codec` when there is no memory.
  package init(level: Int = GzipCompressor.defaultLevel) throws(GzipError) {
    switch level {
    case 1...3: deflater = ISALDeflater(level: level)
    case 4...9: deflater = try ZlibDeflater(level: level)
    default: throw .invalidLevel(level)
    }
  }

  /// Compresses `input` and appends to `output` what is ready; bytes may be held back until later input.
  ///
  /// Throws `GzipError.alreadyFinished` after `finish(into:)`.
  package mutating func compress(_ input: [UInt8], into output: inout [UInt8]) throws(GzipError) {
    // `withUnsafeBytes` does not carry a typed error through; the result does.
    let result = input.withUnsafeBytes { bytes in
      Result { () throws(GzipError) in try step(bytes, ending: false, into: &output) }
    }
    try result.get()
  }

  /// Compresses the bytes of a buffer that outlives the call; otherwise as `compress(_:into:)` of an array.
  ///
  /// Throws `GzipError.alreadyFinished` after `finish(into:)`.
  package mutating func compress(_ input: UnsafeRawBufferPointer, into output: inout [UInt8]) throws(GzipError) {
    try step(input, ending: false, into: &output)
  }

  /// Appends all that was held back, and the member's end with its CRC-32 and length.
  ///
  /// Throws `GzipError.alreadyFinished` when called twice.
  package mutating func finish(into output: inout [UInt8]) throws(GzipError) {
    try step(UnsafeRawBufferPointer(start: nil, count: 0), ending: true, into: &output)
    isFinished = true
  }

  private mutating func step(
    _ input: UnsafeRawBufferPointer, ending: Bool, into output: inout [UInt8]
  ) throws(GzipError) {
    guard !isFinished else { throw .alreadyFinished }
    let before = output.count
    try deflater.deflate(input, ending: ending, into: &output)
    inputBytes += input.count
    outputBytes += output.count - before
  }
}

/// One gzip member in the making, by one library.
///
/// A deflater has no lock of its own: it belongs to exactly one `GzipCompressor`.
protocol Deflater: AnyObject {
  /// Compresses a piece of at most ``codecInputLimit`` bytes and appends what the library gives out to `output`.
  ///
  /// With `ending` the member is ended after the piece; no call may follow.
  func deflatePiece(_ piece: UnsafeRawBufferPointer, ending: Bool, into output: inout [UInt8]) throws(GzipError)
}

extension Deflater {
  /// Compresses all of `input`, cut into pieces that the library's counters can hold.
  func deflate(_ input: UnsafeRawBufferPointer, ending: Bool, into output: inout [UInt8]) throws(GzipError) {
    var rest = input
    repeat {
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(codecInputLimit))
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(codecInputLimit))
      try deflatePiece(piece, ending: ending && rest.isEmpty, into: &output)
    } while !rest.isEmpty
  }
}

/// Bytes compressed output is collected in before it is appended to the caller's array.
let deflateWindowBytes = 128 * 1024

/// The most input bytes given to a library at once, whose counters are 32 bits wide.
let codecInputLimit = 1 << 30
