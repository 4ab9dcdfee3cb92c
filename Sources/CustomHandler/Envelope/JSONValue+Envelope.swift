import Essentials

extension JSONValue {
  /// The host's encoding of values undone: a string that holds JSON text stands for that JSON, any other string for
  /// itself, and so does everything that is not a string.
  var decoded: JSONValue {
    guard case .string(let text) = self else { return self }
    return JSONValue(text: text) ?? self
  }
}

extension [String: JSONValue] {
  /// The member of that name: the exact one if it is there, else one that differs in ASCII case alone.
  func member(_ name: String) -> JSONValue? {
    self[name] ?? first { $0.key.equalsIgnoringASCIICase(name) }?.value
  }
}

extension JSONValue {
  /// A short name of the value's form for error messages, which must not quote what may be a secret.
  var form: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .integer, .number: "a number"
    case .string(let text): text.isEmpty ? "an empty string" : "a string of \(text.count) characters"
    case .array(let items): "an array of \(items.count)"
    case .object(let members): "an object of \(members.count) members"
    }
  }
}
