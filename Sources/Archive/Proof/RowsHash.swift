import CXXHash

/// A hash of the rows of an archive, whatever their order: the sum, modulo 2^128, of the 128-bit XXH3 hash (seed 0) of each
/// CSV record without its line end. The header is not a row. docs/format.md has the method.
///
/// It tells changes that happen, such as a damaged file or a changed row, and not a forger's: that is what SHA-256 is for. As a
/// sum, unlike an exclusive or, it also tells a row that is there twice.
package struct RowsHash: Sendable, Hashable {
  private var sum: UInt128 = 0

  /// The hash of no rows.
  package init() {}

  /// Adds a record without its line end.
  package mutating func add(_ record: UnsafeRawBufferPointer) {
    let hash = XXH3_128bits(record.baseAddress, record.count)
    sum &+= UInt128(hash.high64) << 64 | UInt128(hash.low64)
  }

  /// The hash of the rows of both.
  package static func + (one: RowsHash, other: RowsHash) -> RowsHash {
    var both = one
    both.sum &+= other.sum
    return both
  }
}

extension RowsHash: LosslessStringConvertible {
  /// 32 lower-case hexadecimal digits.
  package var description: String {
    let digits = String(sum, radix: 16)
    return String(repeating: "0", count: 32 - digits.count) + digits
  }

  /// Reads 32 hexadecimal digits.
  package init?(_ description: String) {
    guard description.utf8.count == 32, !description.hasPrefix("+"), !description.hasPrefix("-"),
      let sum = UInt128(description, radix: 16)
    else { return nil }
    self.sum = sum
  }
}

/// Hashes the rows of a CSV that comes in pieces.
package struct RowsHasher: Sendable {
  package private(set) var hash = RowsHash()
  private var isInHeader = true
  /// The bytes of a record that goes on in the next piece.
  private var begun: [UInt8] = []

  package init() {}

  /// Adds a piece of CSV whose line breaks are single bytes.
  /// - Parameter rowEnds: the offset after the line break of each record that ends in the piece.
  package mutating func add(_ bytes: [UInt8], rowEnds: [Int]) {
    bytes.withUnsafeBytes { bytes in
      var start = 0
      for end in rowEnds {
        addRecord(UnsafeRawBufferPointer(rebasing: bytes[start..<(end - 1)]))
        start = end
      }
      if start < bytes.count { begun += bytes[start...] }
    }
  }

  private mutating func addRecord(_ end: UnsafeRawBufferPointer) {
    defer { isInHeader = false }
    guard !begun.isEmpty else {
      if !isInHeader { hash.add(end) }
      return
    }
    begun += end
    if !isInHeader { begun.withUnsafeBytes { hash.add($0) } }
    begun = []
  }
}
