import Glibc

/// Looks in pieces of CSV for a line that holds only `\.`: the mark by which COPY tells the end of its data.
///
/// It does not know quotes, so what it sees may be text; it is there to be cheap on the rows of every ordinary file.
struct CopyTerminator {
  /// Whether such a line has come.
  private(set) var isSeen = false
  /// The end of the last piece; the data begins at the start of a line.
  private var tail: [UInt8] = [UInt8(ascii: "\n")]

  /// Longest form of the line with the bytes around it: `\n\.\r`.
  private static let longest = 4

  mutating func look(at piece: [UInt8]) {
    guard !isSeen, !piece.isEmpty else { return }
    isSeen = Self.holdsMark(tail + piece.prefix(Self.longest)) || Self.holdsMark(piece)
    tail = Array((tail + piece.suffix(Self.longest - 1)).suffix(Self.longest - 1))
  }

  private static func holdsMark(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return false }
      var place = 0
      while place < bytes.count, let found = memchr(start + place, Int32(UInt8(ascii: "\\")), bytes.count - place) {
        place = UnsafeRawPointer(found) - start + 1
        guard place >= 2, place + 1 < bytes.count else { continue }
        if endsLine(bytes[place - 2]), bytes[place] == UInt8(ascii: "."), endsLine(bytes[place + 1]) { return true }
      }
      return false
    }
  }

  private static func endsLine(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
  }
}
