/// The spelling of any name, such as a table's, as part of a file name in the lake.
///
/// `[A-Za-z0-9_-]` stand for themselves; every other character is written as its UTF-8 bytes, each `%` and two
/// upper-case hexadecimal digits. So `.` becomes `%2E` and is free to separate the parts of a file name. Every name has
/// exactly one spelling, and every spelling one name.
public enum LakeName {
  /// The spelling of `name`.
  public static func encode(_ name: String) -> String {
    var spelling: [UInt8] = []
    for byte in name.utf8 {
      if isPlain(byte) {
        spelling.append(byte)
      } else {
        spelling.append(UInt8(ascii: "%"))
        spelling.append(HexDigit.upper[Int(byte >> 4)])
        spelling.append(HexDigit.upper[Int(byte & 15)])
      }
    }
    return String(decoding: spelling, as: UTF8.self)
  }

  /// The name that `spelling` stands for.
  ///
  /// Throws `LakeError.invalidName` for what `encode` does not write: a bare character outside the plain ones, an
  /// incomplete or lower-case escape, an escape of a plain character, bytes that are not UTF-8.
  public static func decode(_ spelling: String) throws(LakeError) -> String {
    var bytes: [UInt8] = []
    var rest = Array(spelling.utf8)[...]
    while let first = rest.popFirst() {
      guard first == UInt8(ascii: "%") else {
        guard isPlain(first) else { throw .invalidName(spelling, reason: "it holds a character that must be escaped") }
        bytes.append(first)
        continue
      }
      guard let high = rest.popFirst(), let low = rest.popFirst(), isUpperHex(high), isUpperHex(low),
        let highValue = HexDigit.value(high), let lowValue = HexDigit.value(low)
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
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private static func isUpperHex(_ digit: UInt8) -> Bool { HexDigit.upper.contains(digit) }
}
