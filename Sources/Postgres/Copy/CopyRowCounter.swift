/// Tells where rows end in the pieces that `PQgetlineAsync` gives: a row at a time, or as much of one as there is room for.
///
/// A piece shorter than its room ends a row. One that fills its room may end it or not; then the row's quotes decide,
/// since a line break within a row of CSV stands between quotes.
struct CopyRowCounter {
  /// The quote character of the COPY; nil for the text format, in which a line break always ends a row.
  let quote: UInt8?
  /// Bytes of the widest row so far.
  private(set) var widestRow = 0
  private var rowBytes = 0
  private var isQuoted = false

  init(quote: UInt8?) {
    self.quote = quote
  }

  /// Whether a row has begun and not ended.
  var isWithinRow: Bool { rowBytes > 0 }

  /// Takes the next piece, which is not empty.
  /// - Returns: whether it ends a row.
  mutating func endsRow(_ piece: UnsafeRawBufferPointer, room: Int) -> Bool {
    rowBytes += piece.count
    var ends = piece.count < room
    if !ends, let quote {
      for byte in piece where byte == quote { isQuoted.toggle() }
      ends = piece.last == UInt8(ascii: "\n") && !isQuoted
    } else if !ends {
      ends = piece.last == UInt8(ascii: "\n")
    }
    guard ends else { return false }
    widestRow = max(widestRow, rowBytes)
    rowBytes = 0
    isQuoted = false
    return true
  }
}
