/// The delimiters of a message (RFC 9112).
extension UInt8 {
  static let carriageReturn: UInt8 = 0x0D
  static let lineFeed: UInt8 = 0x0A
  static let colon: UInt8 = 0x3A
  static let semicolon: UInt8 = 0x3B
}
