/// One gzip member in the making, by one library.
///
/// A deflater has no lock of its own: it belongs to exactly one `GzipCompressor`.
protocol Deflater: AnyObject {
  /// Compresses all of `input` and appends what the library gives out to `output`.
  ///
  /// With `ending` the member is ended after `input`; no call may follow.
  func deflate(_ input: UnsafeRawBufferPointer, ending: Bool, into output: inout [UInt8]) throws(GzipError)
}

/// Bytes compressed output is collected in before it is appended to the caller's array.
let deflateWindowBytes = 128 * 1024

/// The most input bytes given to a library at once, whose counters are 32 bits wide.
let codecInputLimit = 1 << 30
