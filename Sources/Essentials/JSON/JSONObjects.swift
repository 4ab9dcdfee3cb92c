/// Reads a long list of objects of which a few members are wanted, such as a listing of files, without making values of the others. It
/// is as strict as ``JSONValue/init(parsing:)``, but for texts in members that nobody wants: these are passed over.
package enum JSONObjects {
  /// The objects in the array that is the member `list` of the text's object.
  /// - Parameters:
  ///   - wanted: the names of the members that are read.
  ///   - make: makes something of one object, from the values of its members in the order of `wanted`; nil for one that is absent.
  /// - Returns: nil where the text is no object with such an array.
  /// - Throws: ``JSONError``; what `make` throws.
  package static func read<Item>(
    _ text: [UInt8], list: String, wanted: [String], _ make: ([JSONValue?]) throws -> Item
  ) throws -> [Item]? {
    try text.withUnsafeBufferPointer { bytes in
      var parser = JSONParser(bytes)
      return try parser.objects(list: Array(list.utf8), wanted: wanted.map { Array($0.utf8) }, make)
    }
  }
}

extension JSONParser {
  fileprivate mutating func objects<Item>(
    list: [UInt8], wanted: [[UInt8]], _ make: ([JSONValue?]) throws -> Item
  ) throws -> [Item]? {
    var items: [Item]?
    try start()
    guard current == UInt8(ascii: "{") else {
      _ = try document()
      return nil
    }
    try members(of: [list]) { parser, index in
      guard index == 0, parser.current == UInt8(ascii: "[") else { return try parser.skip() }
      guard items == nil else { throw parser.fault("a name that its object has already") }
      var found: [Item] = []
      var row = [JSONValue?](repeating: nil, count: wanted.count)
      try parser.elements { parser in
        guard parser.current == UInt8(ascii: "{") else { throw parser.fault("an object is expected") }
        for place in row.indices { row[place] = nil }
        try parser.members(of: wanted) { parser, index in
          guard let index else { return try parser.skip() }
          guard row[index] == nil else { throw parser.fault("a name that its object has already") }
          row[index] = try parser.value()
        }
        found.append(try make(row))
      }
      items = found
    }
    try end()
    return items
  }

  /// Reads the members of the object at the present place: `body` reads or skips each value.
  private mutating func members(
    of wanted: [[UInt8]], _ body: (inout JSONParser, Int?) throws -> Void
  ) throws {
    try open()
    if try closes(with: UInt8(ascii: "}")) { return }
    repeat {
      let index = try name(of: wanted)
      skipSpace()
      guard current == UInt8(ascii: ":") else { throw fault("a colon is expected after a name") }
      position += 1
      skipSpace()
      try body(&self, index)
    } while try goesOn(until: UInt8(ascii: "}"), "an object")
  }

  private mutating func elements(_ body: (inout JSONParser) throws -> Void) throws {
    try open()
    if try closes(with: UInt8(ascii: "]")) { return }
    repeat { try body(&self) } while try goesOn(until: UInt8(ascii: "]"), "an array")
  }

  /// Reads a name, and gives its place among `wanted`.
  private mutating func name(of wanted: [[UInt8]]) throws -> Int? {
    guard current == UInt8(ascii: "\"") else { throw fault("a name in double quotes is expected") }
    let start = position + 1
    var end = start
    while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\"), bytes[end] >= 0x20 {
      end += 1
    }
    guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else {
      let name = Array(try string().utf8)
      return wanted.firstIndex(of: name)
    }
    position = end + 1
    let name = bytes[start..<end]
    return wanted.firstIndex { $0.count == name.count && $0.elementsEqual(name) }
  }

  /// Passes over the value at the present place.
  private mutating func skip() throws {
    guard current == UInt8(ascii: "\"") else {
      _ = try value()
      return
    }
    let start = position
    position += 1
    while let byte = current {
      position += byte == UInt8(ascii: "\\") ? 2 : 1
      if byte == UInt8(ascii: "\"") { return }
      guard byte >= 0x20 else { break }
    }
    throw fault("a string that does not end", at: start)
  }
}
