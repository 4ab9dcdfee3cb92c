/// Bytes on their way to the socket, in the pieces they were given, so that a large body is never copied.
struct OutputQueue {
  private var pieces: [[UInt8]] = []
  private var firstPiece = 0
  private var offset = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    count += bytes.count
    pieces.append(bytes)
  }

  /// The bytes to write next: the rest of the first piece.
  var next: ArraySlice<UInt8> { isEmpty ? [] : pieces[firstPiece][offset...] }

  /// Takes note that `n` bytes of `next` are written.
  mutating func wrote(_ n: Int) {
    count -= n
    offset += n
    guard offset == pieces[firstPiece].count else { return }
    pieces[firstPiece] = []
    offset = 0
    firstPiece += 1
    if firstPiece == pieces.count {
      pieces.removeAll()
      firstPiece = 0
    }
  }

  mutating func removeAll() { self = OutputQueue() }
}
