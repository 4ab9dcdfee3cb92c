import Essentials

/// The spelling of any name, such as a table's, as part of a file name in the lake.
///
/// `[A-Za-z0-9_-]` stand for themselves; every other character is written as its UTF-8 bytes, each `%` and two
/// upper-case hexadecimal digits. So `.` becomes `%2E` and is free to separate the parts of a file name. Every name has
/// exactly one spelling, and every spelling one name.
package enum LakeName {
  /// The spelling of `name`.
  package static func encode(_ name: String) -> String {
    PercentEncoding.encode(name, leaving: isPlain)
  }

  /// The name that `spelling` stands for.
  ///
  /// Throws `LakeError.invalidName` for what `encode` does not write: a bare character outside the plain ones, an
  /// incomplete or lower-case escape, an escape of a plain character, bytes that are not UTF-8.
  package static func decode(_ spelling: String) throws(LakeError) -> String {
    var bytes: [UInt8] = []
    var rest = Array(spelling.utf8)[...]
    while let first = rest.popFirst() {
      guard first == UInt8(ascii: "%") else {
        guard isPlain(first) else { throw .invalidName(spelling, reason: "it holds a character that must be escaped") }
        bytes.append(first)
        continue
      }
      guard let high = rest.popFirst(), let low = rest.popFirst(), high == high.asciiUppercased,
        low == low.asciiUppercased, let highValue = high.hexValue, let lowValue = low.hexValue
      else { throw .invalidName(spelling, reason: "a % is not followed by two upper-case hexadecimal digits") }
      let byte = highValue << 4 | lowValue
      guard !isPlain(byte) else { throw .invalidName(spelling, reason: "it escapes a character that needs no escape") }
      bytes.append(byte)
    }
    guard let name = String(validating: bytes, as: UTF8.self) else {
      throw .invalidName(spelling, reason: "its escapes are not UTF-8")
    }
    return name
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    byte.isAlpha || byte.isDigit || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
  }
}
