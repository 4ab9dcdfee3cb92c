import Essentials

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
