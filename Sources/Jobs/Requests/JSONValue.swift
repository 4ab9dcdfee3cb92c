import Essentials

/// The one JSON value of the program.
package typealias JSONValue = Essentials.JSONValue

extension JSONValue {
  /// Reads JSON text.
  /// - Throws: ``JobError`` `bad_json`, which tells what is wrong and at which byte, and repeats nothing.
  package init(json text: some Collection<UInt8>) throws {
    do throws(JSONError) {
      try self.init(parsing: text)
    } catch {
      throw JobError(.invalid, code: "bad_json", "the body is not valid JSON: \(error); send one JSON object")
    }
  }

  /// What it is, for an error: short texts are shown, everything longer only by its kind.
  var brief: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "the number \(value)"
    case .number(let value): whole.map { "the number \($0)" } ?? "the number \(value)"
    case .string(let value): value.count <= 100 ? "\"\(value)\"" : "a text of \(value.count) characters"
    case .array: "a list"
    case .object: "an object"
    }
  }
}
