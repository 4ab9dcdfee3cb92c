package import Essentials

/// What a timer or queue function gives back.
package struct FunctionResult: Sendable, Equatable {
  /// A value for an output binding. There is no bare string: the host decodes one that happens to be valid base64 (`done`,
  /// `test`, the empty string) to bytes, and so sends something else than was meant.
  package enum Output: Sendable, Equatable {
    /// One message, or the content of another binding.
    case object([String: JSONValue])
    /// One message per element.
    case array([JSONValue])

    /// The output that a value encodes to; a value that encodes to neither an object nor an array becomes an array of one.
    /// - Throws: `EncodingError`.
    package init(encoding value: some Encodable) throws {
      switch try JSONValue(encoding: value) {
      case .object(let members): self = .object(members)
      case .array(let items): self = .array(items)
      case let scalar: self = .array([scalar])
      }
    }

    var json: JSONValue {
      switch self {
      case .object(let members): .object(members)
      case .array(let items): .array(items)
      }
    }
  }

  /// By the names of output bindings; the host ignores other names.
  package var outputs: [String: Output]
  /// The value for the binding `$return`.
  package var returnValue: Output?

  package init(outputs: [String: Output] = [:], returnValue: Output? = nil) {
    self.outputs = outputs
    self.returnValue = returnValue
  }

  /// Success without outputs.
  package static let done = FunctionResult()
}
