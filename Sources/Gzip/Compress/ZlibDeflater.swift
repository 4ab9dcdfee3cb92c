import CZlib

/// zlib's levels 4 to 9, for those who pay time for ratio.
final class ZlibDeflater: Deflater {
  private let stream: UnsafeMutablePointer<z_stream>
  private let window: UnsafeMutableBufferPointer<UInt8>

  /// `level` is one of 1 to 9.
  init(level: Int) throws(GzipError) {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window, plus 16 for a gzip wrapper, whose default header has time 0 and no name (zlib.h).
    let code = deflateInit2_(
      stream, CInt(level), Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      CInt(MemoryLayout<z_stream>.size))
    guard code == Z_OK else {
      stream.deallocate()
      throw .codec(library: "zlib", code: Int(code))
    }
    self.stream = stream
    window = .allocate(capacity: deflateWindowBytes)
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
    window.deallocate()
  }

  func deflatePiece(
    _ piece: UnsafeRawBufferPointer, ending: Bool, into output: inout [UInt8]
  ) throws(GzipError) {
    if piece.isEmpty && !ending { return }  // zlib calls a step without work Z_BUF_ERROR.
    let address = piece.baseAddress ?? UnsafeRawPointer(window.baseAddress.unsafelyUnwrapped)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: address.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(piece.count)
    var finished: Bool
    repeat {
      stream.pointee.next_out = window.baseAddress
      stream.pointee.avail_out = UInt32(window.count)
      let code = CZlib.deflate(stream, ending ? Z_FINISH : Z_NO_FLUSH)
      let free = Int(stream.pointee.avail_out)
      // Z_BUF_ERROR is the answer when the window was filled to the last byte just before.
      guard code == Z_OK || code == Z_STREAM_END || (code == Z_BUF_ERROR && free == window.count) else {
        throw .codec(library: "zlib", code: Int(code))
      }
      output.append(contentsOf: window[..<(window.count - free)])
      finished = ending ? code == Z_STREAM_END : free > 0
      guard finished || free == 0 else { throw .codec(library: "zlib", code: Int(code)) }
    } while !finished
  }
}
