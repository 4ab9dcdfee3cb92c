import Essentials

extension JSONValue {
  /// The host's encoding of values undone: a string that holds JSON text stands for that JSON, any other string for
  /// itself, and so does everything that is no string.
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
