/// Cuts a stream into appends, each with its place in the file. A value without I/O.
///
/// The service may count each append as one of the 50,000 blocks of a file, so appends grow with the file: the size
/// doubles after every 12,500, which with 8 MiB to begin with reaches 1.4 TiB.
struct AppendCutter: Sendable {
  /// A piece of the file. It is never cut anew: the service does not define an append of another length at the same
  /// position.
  struct Piece: Sendable, Equatable {
    /// Bytes from the start of the file.
    let position: Int
    let bytes: [UInt8]
  }

  /// Blocks of one file, at most ("Scalability and performance targets for Blob storage").
  static let maximumPieces = 50_000
  static let piecesBeforeGrowth = 12_500

  private(set) var size: Int
  private(set) var pieces = 0
  /// Bytes given out and held.
  private(set) var length = 0
  private var held: [UInt8] = []

  init(size: Int) {
    self.size = size
  }

  /// Takes bytes and gives the pieces that are full.
  mutating func take(_ bytes: [UInt8]) -> [Piece] {
    var full: [Piece] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = rest.prefix(size - held.count)
      if held.isEmpty { held.reserveCapacity(size) }
      held += part
      length += part.count
      rest = rest.dropFirst(part.count)
      if held.count == size { full.append(cut()) }
    }
    return full
  }

  /// The piece that is not full; nil when there is none.
  mutating func takeRest() -> Piece? { held.isEmpty ? nil : cut() }

  private mutating func cut() -> Piece {
    let piece = Piece(position: length - held.count, bytes: held)
    held = []
    pieces += 1
    if pieces.isMultiple(of: Self.piecesBeforeGrowth) { size *= 2 }
    return piece
  }
}
