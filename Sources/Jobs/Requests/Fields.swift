package import Essentials
package import Reporting
package import TableDays

/// Reads the members of a request's JSON object. Errors name the field, its value and the expected form.
///
/// It serves JSON bodies, queue messages, query strings and the command line. The last two have only texts, so a number
/// or a boolean may also be given as a text. `finish()` refuses members that were not read.
package struct Fields {
  private var members: [String: JSONValue]
  private var known: [String] = []

  package init(_ value: JSONValue) throws {
    guard case .object(let members) = value else {
      throw JobError(.badJSON, "expected a JSON object, got \(value.brief)")
    }
    self.members = members
  }

  package mutating func value(_ name: String) -> JSONValue? {
    known.append(name)
    guard let value = members.removeValue(forKey: name), value != .null else { return nil }
    return value
  }

  package mutating func string(_ name: String, _ expected: ErrorText) throws -> String? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value, !text.isEmpty else { throw JobError.badField(name, expected, got: value) }
    return try Self.whole(text, name)
  }

  /// Like ``string(_:_:)``, but accepts an empty text.
  package mutating func text(_ name: String, _ expected: ErrorText) throws -> String? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value else { throw JobError.badField(name, expected, got: value) }
    return try Self.whole(text, name)
  }

  /// Reads a password or token. The error does not show the value.
  package mutating func secret(_ name: String) throws -> Secret? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value, !text.isEmpty else {
      throw JobError.badField(name, "a text that is not empty (the value is not shown)")
    }
    return Secret(try Self.whole(text, name))
  }

  package mutating func bool(_ name: String) throws -> Bool? {
    guard let value = value(name) else { return nil }
    switch value {
    case .bool(let flag): return flag
    case .string("true"), .string("1"): return true
    case .string("false"), .string("0"): return false
    default: throw JobError.badField(name, "true or false", got: value)
    }
  }

  package mutating func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let value = value(name) else { return nil }
    let number: Int? =
      switch value {
      case .string(let text): Int(text)
      default: value.whole
      }
    guard let number, range.contains(number) else {
      throw JobError.badField(name, ErrorText(Self.form(of: range)), got: value)
    }
    return number
  }

  /// The form of a number within `range`, for errors and documents.
  package static func form(of range: ClosedRange<Int>) -> String {
    "a whole number from \(range.lowerBound) to \(range.upperBound)"
  }

  package mutating func day(_ name: String) throws -> Day? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value, let day = Day(text) else {
      throw JobError.badField(
        name, "a day of the calendar as YYYY-MM-DD, such as 2024-01-31, or yesterday, today or today-3", got: value)
    }
    return day
  }

  package mutating func table(_ name: String) throws -> TableName? {
    try string(name, Self.tableForm).map { try TableName($0, field: name) }
  }

  /// The form of a table's name, for an error.
  package static let tableForm: ErrorText = "schema.table, such as events.bannerclicked"

  /// Reads a list of texts, or a single text.
  package mutating func strings(_ name: String, _ expected: ErrorText) throws -> [String]? {
    guard let value = value(name) else { return nil }
    switch value {
    case .string(let text) where !text.isEmpty: return [try Self.whole(text, name)]
    case .array(let items):
      return try items.map { item in
        guard case .string(let text) = item, !text.isEmpty else { throw JobError.badField(name, expected, got: item) }
        return try Self.whole(text, name)
      }
    default: throw JobError.badField(name, expected, got: value)
    }
  }

  /// Refuses a NUL: libpq's texts end at one, so the rest would be lost silently, and the role `app\0x` would sign in
  /// as `app`.
  private static func whole(_ text: String, _ name: String) throws -> String {
    guard !text.utf8.contains(0) else { throw JobError.badField(name, "a text without NUL characters") }
    return text
  }

  package mutating func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type) throws
    -> Choice?
  where Choice.RawValue == String {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value, let choice = Choice(rawValue: text) else {
      throw JobError.badField(
        name, "one of \(Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))", got: value)
    }
    return choice
  }

  /// Reads the members of an inner object with `read`, and refuses others. Errors name the whole path.
  package mutating func object<Result>(_ name: String, _ read: (inout Fields) throws -> Result) throws -> Result {
    let value = value(name) ?? .object([:])
    // Text in an object's place is not repeated: it may be a URI with a password.
    guard case .object = value else {
      throw JobError.badField(name, "an object", got: value.string == nil ? value : JSONValue?.none)
    }
    do {
      var inner = try Fields(value)
      let result = try read(&inner)
      try inner.finish()
      return result
    } catch let error as JobError {
      throw error.under(name)
    }
  }

  /// The names of the members that nothing has read.
  package var unread: [String] { members.keys.sorted() }

  /// A field that is needed and not there. A member of nearly that name, which nobody has read, is told of in its place.
  package func missing(_ name: String, _ text: ErrorText) -> JobError {
    guard let meant = NearestName.nearest(to: name, among: unread) else {
      return JobError(.missingField, text, field: name)
    }
    return JobError(.unknownField, "there is no such field (did you mean \(field: name)?)", field: meant)
  }

  /// Refuses members that were not read.
  package func finish() throws {
    guard let unknown = members.keys.sorted().first else { return }
    throw JobError(
      .unknownField,
      "there is no such field\(NearestName.hint(unknown, among: known)); \(known.isEmpty ? "the request has none" : "known are \(known.joined(separator: ", "))")",
      field: unknown)
  }
}

extension TableName {
  /// Reads `schema.table` in a request or a setting.
  /// - Throws: ``JobError`` `bad_field` or `table_without_schema`, with `field`.
  package init(_ text: String, field: String) throws {
    do throws(Flaw) {
      try self.init(parsing: text)
    } catch {
      switch error {
      case .form: throw JobError.badField(field, ErrorText(Self.form), got: .string(text))
      case .noSchema:
        throw JobError(.tableWithoutSchema, "\"\(text)\" has no schema; expected \(Self.form)", field: field)
      }
    }
  }
}
