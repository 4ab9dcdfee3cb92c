import Essentials
import Foundation
import TestSupport

/// Looking into answers.
extension JSONValue {
  init(_ text: some StringProtocol) throws {
    self = try JSONValue(parsing: text.utf8)
  }

  subscript(_ name: String) -> JSONValue {
    guard case .object(let members) = self else { return .null }
    return members[name] ?? .null
  }

  subscript(_ index: Int) -> JSONValue {
    guard case .array(let items) = self, items.indices.contains(index) else { return .null }
    return items[index]
  }

  var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  var number: Int? {
    self.whole
  }

  var items: [JSONValue] {
    guard case .array(let items) = self else { return [] }
    return items
  }

  /// The text as one JSON string, for putting text into text.
  static func quoted(_ text: String) throws -> String {
    String(decoding: try JSONEncoder().encode(JSONValue.string(text)), as: UTF8.self)
  }
}

extension HTTPAnswer {
  var json: JSONValue { get throws { try JSONValue(text) } }

  /// The `code` of a problem; nil when the answer is none.
  var code: String? {
    guard headers["content-type"] == "application/problem+json" else { return nil }
    return try? json["code"].text
  }
}
