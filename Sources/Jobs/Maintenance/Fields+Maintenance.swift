import Essentials
import Foundation
import Reporting
import TableDays

extension Fields {
  /// Reads a length of time with its unit, up to the longest that the server takes as a limit (24 days).
  /// - Parameter zero: whether none is one.
  /// - Throws: ``JobError`` `bad_field`.
  mutating func duration(_ name: String, zero: Bool = false) throws -> Duration? {
    let form: ErrorText =
      "a whole number with its unit, ms, s, m, h or d, such as 100ms or 30m, \(zero ? "from 0ms" : "above 0") to 24d"
    guard let text = try string(name, form) else { return nil }
    let milliseconds = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard digits.count <= 9, let number = Int(digits), let unit = milliseconds[String(text.dropFirst(digits.count))]
    else { throw JobError.badField(name, form, got: .string(text)) }
    guard number * unit <= 24 * 86_400_000, zero || number > 0 else {
      throw JobError.badField(name, form, got: .string(text))
    }
    return .milliseconds(number * unit)
  }

  /// Reads an interval that PostgreSQL reads alike.
  /// - Throws: ``JobError`` `bad_field`.
  mutating func interval(_ name: String) throws -> String? {
    let form: ErrorText =
      "a number above 0 with its unit, minutes to years, such as \"90 days\", or an ISO 8601 duration such as P90D"
    guard let text = try string(name, form) else { return nil }
    let isPlain = text.wholeMatch(of: #/[1-9][0-9]{0,5} (minute|hour|day|week|month|year)s?/#) != nil
    let isISO =
      text.wholeMatch(of: #/P(?=[0-9T])([0-9]{1,6}[YMWD])*(T([0-9]{1,6}[HMS])+)?/#) != nil
      && text.contains { ("1"..."9").contains($0) }
    guard isPlain || isISO else { throw JobError.badField(name, form, got: .string(text)) }
    return text
  }

  /// Reads a share in percent, as a number from 0 to 1.
  /// - Throws: ``JobError`` `bad_field`.
  mutating func share(_ name: String) throws -> Double? {
    let form: ErrorText = "a share from 0% to 99%, such as \"20%\""
    guard let text = try string(name, form) else { return nil }
    guard text.hasSuffix("%"), let percent = Int(text.dropLast()), (0...99).contains(percent) else {
      throw JobError.badField(name, form, got: .string(text))
    }
    return Double(percent) / 100
  }

  mutating func column(_ name: String) throws -> ColumnName? {
    try string(name, "a column's name").map { ColumnName($0) }
  }

  mutating func columns(_ name: String) throws -> [ColumnName]? {
    guard let names = try strings(name, "a list of column names") else { return nil }
    guard !names.isEmpty, Set(names).count == names.count else {
      throw JobError.badField(name, "a list of column names, each once")
    }
    return names.map { ColumnName($0) }
  }

  /// A field that is needed.
  func required<Value>(_ value: Value?, _ name: String, _ expected: ErrorText) throws -> Value {
    guard let value else { throw missing(name, "missing; expected \(expected)") }
    return value
  }
}
