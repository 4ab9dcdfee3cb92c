/// Why bytes are no JSON (RFC 8259) that is taken here. It tells the place and never repeats what stands there, which may
/// be a secret or row data.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong, such as `a comma before a closing bracket`.
  package let reason: String
  /// Where, in bytes from 0.
  package let offset: Int
  /// The line, from 1.
  package let line: Int
  /// The byte in that line, from 1.
  package let column: Int

  init(_ reason: String, at offset: Int, in bytes: UnsafeBufferPointer<UInt8>) {
    self.reason = reason
    self.offset = offset
    let before = bytes[..<Swift.min(offset, bytes.count)]
    line = before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
    column = offset - (before.lastIndex(of: 0x0A) ?? -1)
  }

  /// Reason and place.
  package var description: String { "\(reason), at byte \(offset + 1) (line \(line), column \(column))" }
}
