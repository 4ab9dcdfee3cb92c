import CISAL

/// ISA-L's levels 1 to 3: several times as fast as zlib for nearly its ratio.
final class ISALDeflater: Deflater {
  private let memory: UnsafeMutableRawPointer
  private let stream: UnsafeMutablePointer<isal_zstream>
  private let levelBuffer: UnsafeMutablePointer<UInt8>
  private let window: UnsafeMutableBufferPointer<UInt8>

  /// `level` is one of 1 to 3.
  init(level: Int) {
    // The library wants the hash table at the end of its state on a cache line.
    let bytes = MemoryLayout<isal_zstream>.size
    memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    stream = memory.bindMemory(to: isal_zstream.self, capacity: 1)
    let levelBufferBytes = isal_shim_level_buffer_bytes(UInt32(level))
    levelBuffer = .allocate(capacity: Int(levelBufferBytes))
    levelBuffer.initialize(repeating: 0, count: Int(levelBufferBytes))
    window = .allocate(capacity: deflateWindowBytes)

    isal_deflate_init(stream)
    stream.pointee.level = UInt32(level)
    stream.pointee.level_buf = levelBuffer
    stream.pointee.level_buf_size = levelBufferBytes
    // The library's own header: no name, time 0, so equal input gives equal bytes.
    stream.pointee.gzip_flag = UInt16(IGZIP_GZIP)
    stream.pointee.flush = UInt16(NO_FLUSH)
  }

  deinit {
    memory.deallocate()
    levelBuffer.deallocate()
    window.deallocate()
  }

  func deflatePiece(
    _ piece: UnsafeRawBufferPointer, ending: Bool, into output: inout [UInt8]
  ) throws(GzipError) {
    // The library only reads through `next_in`. An empty piece still needs an address.
    let address = piece.baseAddress ?? UnsafeRawPointer(window.baseAddress.unsafelyUnwrapped)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: address.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(piece.count)
    stream.pointee.end_of_stream = ending ? 1 : 0
    var finished: Bool
    repeat {
      stream.pointee.next_out = window.baseAddress
      stream.pointee.avail_out = UInt32(window.count)
      let code = isal_deflate(stream)
      guard code == COMP_OK else { throw .codec(library: "ISA-L", code: Int(code)) }
      let free = Int(stream.pointee.avail_out)
      output.append(contentsOf: window[..<(window.count - free)])
      finished = ending ? stream.pointee.internal_state.state == ZSTATE_END : stream.pointee.avail_in == 0 && free > 0
      // With room left in the window the library has nothing more to do; anything else would loop for ever.
      guard finished || free == 0 else { throw .codec(library: "ISA-L", code: Int(ISAL_INVALID_STATE)) }
    } while !finished
  }
}
