import Foundation

/// Any JSON value, as requests, messages, settings and files bring it.
package enum JSONValue: Sendable {
  case null
  case bool(Bool)
  /// A whole number that 64 bits hold; it is kept exactly.
  case integer(Int)
  /// Any other number.
  case number(Double)
  case string(String)
  case array([JSONValue])
  /// The order of the members is not kept.
  case object([String: JSONValue])

  /// Reads JSON text, strictly; a scalar may stand at the top.
  package init(parsing text: some Collection<UInt8>) throws(JSONError) {
    let result = Array(text).withUnsafeBufferPointer { bytes in
      Result { () throws(JSONError) -> JSONValue in
        var parser = JSONParser(bytes)
        return try parser.document()
      }
    }
    self = try result.get()
  }

  /// Reads JSON text; nil when it is none.
  package init?(text: some StringProtocol) {
    guard let value = try? JSONValue(parsing: text.utf8) else { return nil }
    self = value
  }

  /// The value that an encodable value encodes to; dates are ISO 8601.
  /// - Throws: `EncodingError`; ``JSONError`` for a value that cannot be read back.
  package init(encoding value: any Encodable) throws {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    try self.init(parsing: encoder.encode(value))
  }

  /// The members when this is an object.
  package var object: [String: JSONValue]? { if case .object(let members) = self { members } else { nil } }

  /// The text when this is a string.
  package var string: String? { if case .string(let text) = self { text } else { nil } }

  /// The number when this is a whole one, however it was written.
  package var whole: Int? {
    switch self {
    case .integer(let whole): whole
    case .number(let number): Int(exactly: number)
    default: nil
    }
  }
}

extension JSONValue: Equatable {
  /// Numbers are equal by their value: 1 and 1.0 are.
  package static func == (one: JSONValue, other: JSONValue) -> Bool {
    switch (one, other) {
    case (.null, .null): true
    case (.bool(let one), .bool(let other)): one == other
    case (.integer(let one), .integer(let other)): one == other
    case (.number(let one), .number(let other)): one == other
    case (.integer(let whole), .number(let number)), (.number(let number), .integer(let whole)):
      Int(exactly: number) == whole
    case (.string(let one), .string(let other)): one == other
    case (.array(let one), .array(let other)): one == other
    case (.object(let one), .object(let other)): one == other
    default: false
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// Of a name that is there twice the last value counts.
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(elements, uniquingKeysWith: { $1 }))
  }
  package init(nilLiteral: ()) { self = .null }
}
