/// A tuple of a relation by its place, as `ctid` has it: block and number within it.
package struct RowPlace: Sendable, Equatable {
  package let block: UInt32
  package let number: UInt16

  package init(block: UInt32, number: UInt16 = 0) {
    self.block = block
    self.number = number
  }

  /// Reads `(12,3)`; nil for any other text.
  package init?(_ text: String) {
    let parts = text.dropFirst().dropLast().split(separator: ",")
    guard text.first == "(", text.last == ")", parts.count == 2, let block = UInt32(parts[0]),
      let number = UInt16(parts[1])
    else { return nil }
    self.init(block: block, number: number)
  }

  /// As the server reads it.
  package var text: String { "(\(block),\(number))" }
}

/// A version of a row: its place, and the transaction that wrote it.
struct RowVersion: Sendable, Equatable {
  let oid: UInt32
  let place: RowPlace
  let writer: UInt32
}

/// A row that is to be deleted, and, of a duplicate, the one because of which.
package struct ListedRow: Sendable, Equatable {
  let row: RowVersion
  let keeper: RowVersion?

  /// The OID of the relation that it is in.
  package var relation: Int { Int(row.oid) }
}
