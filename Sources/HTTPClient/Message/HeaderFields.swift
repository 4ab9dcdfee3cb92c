import Essentials

/// Header fields in their order. Names are looked up without regard to case (RFC 9110 §5.1).
public struct HeaderFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  /// Names and values in their order.
  public private(set) var fields: [(name: String, value: String)]

  /// The given fields, in their order.
  public init(_ fields: [(name: String, value: String)] = []) {
    self.fields = fields
  }

  /// The given fields, in their order.
  public init(dictionaryLiteral elements: (String, String)...) {
    fields = elements.map { (name: $0.0, value: $0.1) }
  }

  /// The first value of `name`; setting replaces all of them, setting nil removes them.
  public subscript(name: String) -> String? {
    get {
      fields.first { $0.name.equalsIgnoringASCIICase(name) }?.value
    }
    set {
      fields.removeAll { $0.name.equalsIgnoringASCIICase(name) }
      if let newValue { fields.append((name: name, value: newValue)) }
    }
  }

  /// Adds a field, also where one of that name is there.
  public mutating func append(_ name: String, _ value: String) {
    fields.append((name: name, value: value))
  }

  /// The fields are the same, in the same order and case.
  public static func == (one: HeaderFields, other: HeaderFields) -> Bool {
    one.fields.elementsEqual(other.fields) { $0 == $1 }
  }

  /// The first field that could not be sent without changing the message's meaning: a name that is no token or a value
  /// with control characters (RFC 9110 §5.5, §5.6.2).
  var malformedName: String? {
    fields.first { field in
      field.name.isEmpty
        || !field.name.utf8.allSatisfy { Self.isTokenByte($0) }
        || !field.value.utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
    }?.name
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
