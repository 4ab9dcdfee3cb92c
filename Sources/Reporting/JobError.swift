package import Essentials

/// An error of a job, as its caller sees it: a stable code, what failed, and what to do.
///
/// Its text never holds row data or secrets. The field at fault is stored once; each interface puts it before the text,
/// under the name that its user wrote.
package struct JobError: Error, Sendable, Equatable, CustomStringConvertible {
  package var code: JobErrorCode
  /// What failed, where, and what to do; without the field.
  package var text: ErrorText
  /// The request's field or the setting at fault, such as `destination.mode`.
  package var field: String?
  /// Further members for programs, such as the number of rows found.
  package var details: [String: JSONValue]

  package init(_ code: JobErrorCode, _ text: ErrorText, field: String? = nil, details: [String: JSONValue] = [:]) {
    self.code = code
    self.text = text
    self.field = field
    self.details = details
  }

  /// `field: text`, each field under the name that `name` gives it.
  package func message(naming name: (String) -> String) -> String {
    let words = text.text(name)
    return field.map { "\(name($0)): \(words)" } ?? words
  }

  /// `field: text`, with the names of HTTP and queue messages.
  package var message: String { message { $0 } }

  /// `code: message`.
  package var description: String { description { $0 } }

  /// `code: message`, each field under the name that `name` gives it.
  package func description(naming name: (String) -> String) -> String {
    "\(code.rawValue): \(message(naming: name))"
  }

  /// A field whose value has the wrong form.
  package static func badField(_ field: String, _ expected: ErrorText, got value: JSONValue? = nil) -> JobError {
    JobError(.badField, "expected \(expected)\(value.map { ", got \($0.brief)" } ?? "")", field: field)
  }

  /// The same error for a setting instead of a request's field.
  package var asSetting: JobError { JobError(.badSetting, text, field: field) }

  /// A copy whose field lies in an outer object: `mode` of `destination` becomes `destination.mode`.
  package func under(_ prefix: String) -> JobError {
    guard let field else { return self }
    var copy = self
    copy.field = "\(prefix).\(field)"
    return copy
  }
}

extension JobError {
  /// The JSON form: `code`, `detail`, `field` and the error's own details. Answers with several results and operation
  /// documents use it.
  package var members: [String: JSONValue] { members { $0 } }

  /// The JSON form whose `detail` names fields as `name` does; `field` keeps its JSON path.
  package func members(naming name: (String) -> String) -> [String: JSONValue] {
    var members = details
    members["code"] = .string(code.rawValue)
    members["detail"] = .string(message(naming: name))
    if let field { members["field"] = .string(field) }
    return members
  }
}

extension JobError: Encodable {
  /// Writes the JSON form; `detail` names fields as the encoder's `fieldNaming` does.
  package func encode(to encoder: any Encoder) throws {
    let naming = encoder.userInfo[.fieldNaming] as? @Sendable (String) -> String
    try JSONValue.object(members { naming?($0) ?? $0 }).encode(to: encoder)
  }
}

extension CodingUserInfoKey {
  /// How the errors of an encoded report name a request's fields: a `@Sendable (String) -> String`.
  package static let fieldNaming = CodingUserInfoKey(rawValue: "fieldNaming")!
}

extension JSONValue {
  /// The value as an error's text shows it: numbers and short texts in full, everything longer by its kind.
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
