import Essentials
import Postgres

/// Reads the members of a request's object, with errors that name the field, the value and the form wanted.
///
/// The same reader serves JSON bodies, queue messages, query strings and the command line; the last two have only texts,
/// so a number or a boolean may also come as its text. `finish()` refuses what nobody asked for.
struct Fields {
  private var members: [String: JSONValue]
  private var known: [String] = []

  init(_ value: JSONValue) throws {
    guard case .object(let members) = value else {
      throw JobError(.invalid, code: "bad_json", "expected a JSON object, got \(value.brief)")
    }
    self.members = members
  }

  mutating func value(_ name: String) -> JSONValue? {
    known.append(name)
    guard let value = members.removeValue(forKey: name), value != .null else { return nil }
    return value
  }

  mutating func string(_ name: String, _ expected: String) throws -> String? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value, !text.isEmpty else { throw JobError.badField(name, expected, got: value) }
    return try Self.whole(text, name)
  }

  /// Like ``string(_:_:)``, and an empty text is one too.
  mutating func text(_ name: String, _ expected: String) throws -> String? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value else { throw JobError.badField(name, expected, got: value) }
    return try Self.whole(text, name)
  }

  /// A password or token: whatever came instead is not shown.
  mutating func secret(_ name: String) throws -> Secret? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value, !text.isEmpty else {
      throw JobError.badField(name, "a text that is not empty (what came is not repeated here)")
    }
    return Secret(try Self.whole(text, name))
  }

  mutating func bool(_ name: String) throws -> Bool? {
    guard let value = value(name) else { return nil }
    switch value {
    case .bool(let flag): return flag
    case .string("true"), .string("1"): return true
    case .string("false"), .string("0"): return false
    default: throw JobError.badField(name, "true or false", got: value)
    }
  }

  mutating func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let value = value(name) else { return nil }
    let number: Int? =
      switch value {
      case .string(let text): Int(text)
      default: value.whole
      }
    guard let number, range.contains(number) else {
      throw JobError.badField(
        name, "a whole number from \(range.lowerBound) to \(range.upperBound)", got: value)
    }
    return number
  }

  mutating func day(_ name: String) throws -> Day? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value, let day = Day(text) else {
      throw JobError.badField(name, "a day of the calendar as YYYY-MM-DD, such as 2024-01-31", got: value)
    }
    return day
  }

  /// A list of texts, or one text.
  mutating func strings(_ name: String, _ expected: String) throws -> [String]? {
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

  /// Refuses a NUL: libpq's texts end at one, so what stands behind it would be lost without a word, and the role
  /// `app\0x` would sign in as `app`.
  private static func whole(_ text: String, _ name: String) throws -> String {
    guard !text.utf8.contains(0) else { throw JobError.badField(name, "a text without NUL characters") }
    return text
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type) throws -> Choice?
  where Choice.RawValue == String {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value, let choice = Choice(rawValue: text) else {
      throw JobError.badField(
        name, "one of \(Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))", got: value)
    }
    return choice
  }

  /// The members of an inner object, read and finished by `read`; errors name the whole path.
  mutating func object<Result>(_ name: String, _ read: (inout Fields) throws -> Result) throws -> Result {
    let value = value(name) ?? .object([:])
    guard case .object = value else { throw JobError.badField(name, "an object", got: value) }
    do {
      var inner = try Fields(value)
      let result = try read(&inner)
      try inner.finish()
      return result
    } catch let error as JobError {
      throw error.under(name)
    }
  }

  /// Refuses members that were not read.
  func finish() throws {
    guard let unknown = members.keys.sorted().first else { return }
    throw JobError(
      .invalid, code: "unknown_field", "\(unknown): there is no such field; known are \(known.joined(separator: ", "))",
      field: unknown)
  }
}
