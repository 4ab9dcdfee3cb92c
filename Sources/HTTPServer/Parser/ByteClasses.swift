extension UInt8 {
  static let carriageReturn: UInt8 = 0x0D
  static let lineFeed: UInt8 = 0x0A
  static let space: UInt8 = 0x20
  static let tab: UInt8 = 0x09
  static let colon: UInt8 = 0x3A
  static let semicolon: UInt8 = 0x3B

  var isSpaceOrTab: Bool { self == .space || self == .tab }

  var isDigit: Bool { (0x30...0x39).contains(self) }

  var isAlpha: Bool { (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self) }

  /// RFC 9110 §5.6.2 `tchar`.
  package var isTokenByte: Bool {
    if isAlpha || isDigit { return true }
    switch self {
    case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: return true
    default: return false
    }
  }

  /// RFC 9110 §5.5: visible characters, space, tab and obs-text.
  package var isFieldValueByte: Bool { self == .tab || (self >= 0x20 && self != 0x7F) }

  /// The value of a hexadecimal digit.
  package var hexValue: UInt8? {
    switch self {
    case 0x30...0x39: self - 0x30
    case 0x41...0x46: self - 0x41 + 10
    case 0x61...0x66: self - 0x61 + 10
    default: nil
    }
  }
}

extension StringProtocol {
  /// Without the optional white space of RFC 9110 §5.6.3 at both ends.
  package func trimmingSpaceAndTab() -> String {
    var view = Array(utf8)[...]
    while let first = view.first, first.isSpaceOrTab { view.removeFirst() }
    while let last = view.last, last.isSpaceOrTab { view.removeLast() }
    return String(decoding: view, as: UTF8.self)
  }
}
