import Foundation

/// Any JSON value, as a request brings it.
public enum JSONValue: Sendable, Equatable, Codable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// Any number.
  case number(Double)
  /// Text.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// Members by name.
  case object([String: JSONValue])

  /// Reads JSON text.
  /// - Throws: ``JobError`` `bad_json`.
  public init(json: some DataProtocol) throws {
    do {
      self = try JSONDecoder().decode(JSONValue.self, from: Data(json))
    } catch {
      let reason = ((error as? DecodingError)?.underlyingReason).map { " (\($0))" } ?? ""
      throw JobError(.invalid, code: "bad_json", "the body is not valid JSON\(reason); send one JSON object")
    }
  }

  /// Reads whichever value comes.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// Writes the value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .number(let value):
      if let whole = Int(exactly: value) { try container.encode(whole) } else { try container.encode(value) }
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  /// What it is, for an error: short texts are shown, everything longer only by its kind.
  var brief: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let value): Int(exactly: value).map { "the number \($0)" } ?? "the number \(value)"
    case .string(let value): value.count <= 100 ? "\"\(value)\"" : "a text of \(value.count) characters"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

extension DecodingError {
  fileprivate var underlyingReason: String? {
    guard case .dataCorrupted(let context) = self, let error = context.underlyingError else { return nil }
    return (error as NSError).userInfo[NSDebugDescriptionErrorKey] as? String
  }
}
