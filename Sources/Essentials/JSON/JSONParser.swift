/// A strict reader of JSON text (RFC 8259), linear in its length.
///
/// Foundation's takes a comma before a closing bracket and the last of two equal names, and a `Decodable` enum on top of it
/// costs time cubic in the depth. A text that two readers could read in two ways is refused: such a comma, a name that
/// is given twice (canonically equal ones are the same to `Dictionary`), surrogates without their other half, bytes that are
/// not UTF-8, a number that no `Double` holds. More than 64 levels are refused where the 65th opens.
struct JSONParser {
  /// Levels of arrays and objects.
  static let maximumDepth = 64

  let bytes: UnsafeBufferPointer<UInt8>
  var position = 0
  private var depth = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  /// The one value that the text holds.
  mutating func document() throws(JSONError) -> JSONValue {
    try start()
    let value = try value()
    try end()
    return value
  }

  /// Goes to the value.
  mutating func start() throws(JSONError) {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw fault("a byte order mark; leave it out") }
    skipSpace()
    guard current != nil else { throw fault("the text is empty; a JSON value is expected") }
  }

  /// Sees that nothing follows the value.
  mutating func end() throws(JSONError) {
    skipSpace()
    guard current == nil else { throw fault("text after the end of the value") }
  }

  var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  func fault(_ reason: String, at offset: Int? = nil) -> JSONError {
    JSONError(reason, at: offset ?? position, in: bytes)
  }

  mutating func value() throws(JSONError) -> JSONValue {
    guard let byte = current else { throw fault("the text ends where a value is expected") }
    switch byte {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), 0x30...0x39: return try number()
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: throw fault("no JSON value begins here")
    }
  }

  private mutating func array() throws(JSONError) -> JSONValue {
    try open()
    var items: [JSONValue] = []
    if try closes(with: UInt8(ascii: "]")) { return .array(items) }
    while true {
      items.append(try value())
      if try !goesOn(until: UInt8(ascii: "]"), "an array") { return .array(items) }
    }
  }

  private mutating func object() throws(JSONError) -> JSONValue {
    try open()
    var members: [String: JSONValue] = [:]
    if try closes(with: UInt8(ascii: "}")) { return .object(members) }
    while true {
      let start = position
      guard current == UInt8(ascii: "\"") else { throw fault("a name in double quotes is expected") }
      let name = try string()
      skipSpace()
      guard current == UInt8(ascii: ":") else { throw fault("a colon is expected after a name") }
      position += 1
      skipSpace()
      guard members.updateValue(try value(), forKey: name) == nil else {
        throw fault("a name that its object has already", at: start)
      }
      if try !goesOn(until: UInt8(ascii: "}"), "an object") { return .object(members) }
    }
  }

  mutating func open() throws(JSONError) {
    depth += 1
    guard depth <= Self.maximumDepth else { throw fault("more than \(Self.maximumDepth) levels of arrays and objects") }
    position += 1
    skipSpace()
  }

  mutating func closes(with end: UInt8) throws(JSONError) -> Bool {
    guard current == end else { return false }
    depth -= 1
    position += 1
    return true
  }

  /// Whether another item follows the one that was read.
  mutating func goesOn(until end: UInt8, _ what: String) throws(JSONError) -> Bool {
    skipSpace()
    if try closes(with: end) { return false }
    guard let byte = current else { throw fault("the text ends within \(what)") }
    guard byte == UInt8(ascii: ",") else { throw fault("a comma or the end of \(what) is expected") }
    let comma = position
    position += 1
    skipSpace()
    guard current != end else { throw fault("a comma before the end of \(what)", at: comma) }
    return true
  }

  private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    let count = word.utf8CodeUnitCount
    guard bytes[position...].starts(with: UnsafeBufferPointer(start: word.utf8Start, count: count)) else {
      throw fault("no JSON value begins here")
    }
    position += count
    return value
  }

  mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }
}

/// Why a text is refused as JSON (RFC 8259). It gives the place and never repeats the text there, which may be a secret or
/// row data.
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

  package var description: String { "\(reason), at byte \(offset + 1) (line \(line), column \(column))" }
}
