import Essentials

/// Bytes that came in and are not used yet.
struct InputBuffer {
  enum Line: Equatable {
    /// A line without its CRLF, and how many bytes it took with it.
    case line([UInt8], size: Int)
    case incomplete
    case tooLong
    /// A CR or LF that is not part of a CRLF, or a NUL.
    case malformed
  }

  private var bytes: [UInt8] = []
  private var start = 0
  /// How far the search for a line end has come, so that a line fed byte by byte is not searched again for each byte.
  private var searched = 0

  var count: Int { bytes.count - start }
  var isEmpty: Bool { count == 0 }
  /// Bytes of memory it has taken.
  var capacity: Int { bytes.capacity }
  var first: UInt8? { isEmpty ? nil : bytes[start] }
  func byte(at offset: Int) -> UInt8? { offset < count ? bytes[start + offset] : nil }

  mutating func append(_ more: some Collection<UInt8>) {
    if start == bytes.count {
      bytes.removeAll(keepingCapacity: bytes.capacity <= 256 * 1024)
      start = 0
      searched = 0
    }
    bytes += more
  }

  /// Gives memory back when nothing is left in it: an idle connection keeps none.
  mutating func release() {
    if isEmpty { self = InputBuffer() }
  }

  mutating func drop(_ n: Int) {
    start += n
    searched = max(searched, start)
    if start > 64 * 1024 {
      bytes.removeFirst(start)
      searched -= start
      start = 0
    }
  }

  /// Takes at most `limit` bytes.
  mutating func take(upTo limit: Int) -> ArraySlice<UInt8> {
    let slice = bytes[start..<start + min(limit, count)]
    drop(slice.count)
    return slice
  }

  /// Takes the next line. The verdict on a line depends on that line alone and never on how many bytes have arrived after
  /// it, so any split of the input gives the same result.
  /// - Parameter limit: bytes, line end included.
  mutating func takeLine(limit: Int) -> Line {
    while searched < bytes.count, bytes[searched] != .lineFeed { searched += 1 }
    guard searched < bytes.count else { return count > limit ? .tooLong : .incomplete }
    let size = searched - start + 1
    guard size <= limit else { return .tooLong }
    let content = bytes[start..<searched]
    guard content.last == .carriageReturn else { return .malformed }
    let line = Array(content.dropLast())
    guard !line.contains(where: { $0 == .carriageReturn || $0 == 0 }) else { return .malformed }
    drop(size)
    return .line(line, size: size)
  }
}
