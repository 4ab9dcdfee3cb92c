package import Essentials

/// An error of a job, made for the one who asked: a stable code, what failed, and what to do.
///
/// Its words never hold row data or secrets. The field at fault is carried once; each way in puts it before the words under
/// the name that its user wrote.
package struct JobError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Stable, such as `table_not_found`.
  package var code: JobErrorCode
  /// What failed, where, and what to do; without the field.
  package var text: ErrorText
  /// The request's field or the setting at fault, such as `destination.mode`.
  package var field: String?
  /// More for machines, such as the number of rows found.
  package var details: [String: JSONValue]

  package init(_ code: JobErrorCode, _ text: ErrorText, field: String? = nil, details: [String: JSONValue] = [:]) {
    self.code = code
    self.text = text
    self.field = field
    self.details = details
  }

  /// The words behind the field, each field under the name that `name` gives it.
  package func message(naming name: (String) -> String) -> String {
    let words = text.text(name)
    return field.map { "\(name($0)): \(words)" } ?? words
  }

  /// The words behind the field, as HTTP and queue messages name it.
  package var message: String { message { $0 } }

  /// `code: message`.
  package var description: String { description { $0 } }

  /// `code: message`, each field under the name that `name` gives it.
  package func description(naming name: (String) -> String) -> String {
    "\(code.rawValue): \(message(naming: name))"
  }

  /// A field that has not the form it should have.
  package static func badField(_ field: String, _ expected: ErrorText, got value: JSONValue? = nil) -> JobError {
    JobError(.badField, "expected \(expected)\(value.map { ", got \($0.brief)" } ?? "")", field: field)
  }

  /// The same as a setting's error, whose fields are settings.
  package var asSetting: JobError { JobError(.badSetting, text, field: field) }

  /// The same under the name of an outer object: `mode` of `destination` becomes `destination.mode`.
  package func under(_ prefix: String) -> JobError {
    guard let field else { return self }
    var copy = self
    copy.field = "\(prefix).\(field)"
    return copy
  }
}

extension JobError {
  /// The one form in JSON, within an answer that holds several results, in an operation's document and in a problem:
  /// `code`, `detail`, `field` and the error's own details.
  package var members: [String: JSONValue] { members { $0 } }

  /// The same, with the words for people under the names that `name` gives; `field` stays what machines know.
  package func members(naming name: (String) -> String) -> [String: JSONValue] {
    var members = details
    members["code"] = .string(code.rawValue)
    members["detail"] = .string(message(naming: name))
    if let field { members["field"] = .string(field) }
    return members
  }
}

extension JobError: Encodable {
  /// Writes ``members``.
  package func encode(to encoder: any Encoder) throws {
    try JSONValue.object(members).encode(to: encoder)
  }
}

extension JSONValue {
  /// What it is, for an error: short texts are shown, everything longer only by its kind.
  package var brief: String {
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
