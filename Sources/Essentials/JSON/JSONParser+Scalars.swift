extension JSONParser {
  /// RFC 8259 §7; the opening quote is at the present place.
  mutating func string() throws(JSONError) -> String {
    let start = position
    position += 1
    var text: [UInt8] = []
    while true {
      let run = position
      // Its highest bit is set where a byte is not of ASCII.
      var bits: UInt8 = 0
      while position < bytes.count, bytes[position] != 0x22, bytes[position] != 0x5C, bytes[position] >= 0x20 {
        bits |= bytes[position]
        position += 1
      }
      guard let byte = current else { throw fault("a string that does not end", at: start) }
      guard byte >= 0x20 else { throw fault("a control character in a string; write it as an escape") }
      let plain = bytes[run..<position]
      if byte == 0x22 {
        position += 1
        // Most strings: they need no check.
        if text.isEmpty, bits < 0x80 { return String(decoding: UnsafeBufferPointer(rebasing: plain), as: UTF8.self) }
        guard !text.isEmpty else { return try validated(plain, start) }
        text += plain
        return try validated(text[...], start)
      }
      text += plain
      try escape(into: &text)
    }
  }

  private func validated(_ text: some Collection<UInt8>, _ start: Int) throws(JSONError) -> String {
    guard let text = String(validating: text, as: UTF8.self) else {
      throw fault("a string that is not UTF-8", at: start)
    }
    return text
  }

  /// A backslash and what it stands for.
  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    let start = position
    guard position + 1 < bytes.count else { throw fault("a string that does not end") }
    let kind = bytes[position + 1]
    position += 2
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(kind)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text += Array(String(try scalar(start)).utf8)
    default: throw fault("an escape that JSON does not have", at: start)
    }
  }

  /// The four digits behind `\u`, and the other half of a surrogate pair.
  private mutating func scalar(_ start: Int) throws(JSONError) -> Unicode.Scalar {
    let first = try codeUnit(start)
    if let scalar = Unicode.Scalar(first) { return scalar }
    let lone = "a surrogate without its other half"
    guard (0xD800...0xDBFF).contains(first), position + 1 < bytes.count, bytes[position] == 0x5C,
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw fault(lone, at: start) }
    position += 2
    let second = try codeUnit(start)
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (UInt32(first - 0xD800) << 10) + UInt32(second - 0xDC00))
    else { throw fault(lone, at: start) }
    return scalar
  }

  private mutating func codeUnit(_ start: Int) throws(JSONError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = current?.hexValue else {
        throw fault("an escape without its four hexadecimal digits", at: start)
      }
      unit = unit << 4 | UInt16(digit)
      position += 1
    }
    return unit
  }

  /// RFC 8259 §6. A whole number stays one as long as 64 bits hold it.
  mutating func number() throws(JSONError) -> JSONValue {
    let start = position
    if current == UInt8(ascii: "-") { position += 1 }
    let first = position
    try digits()
    if bytes[first] == 0x30, position - first > 1 { throw fault("a number with a leading zero", at: start) }
    var isWhole = true
    if current == UInt8(ascii: ".") {
      isWhole = false
      position += 1
      try digits()
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      isWhole = false
      position += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isWhole, let whole = Int(text) { return .integer(whole) }
    guard let number = Double(text), number.isFinite else { throw fault("a number that is too large", at: start) }
    return .number(number)
  }

  private mutating func digits() throws(JSONError) {
    let start = position
    while current?.isDigit == true { position += 1 }
    guard position > start else { throw fault("a digit is expected in a number") }
  }
}
