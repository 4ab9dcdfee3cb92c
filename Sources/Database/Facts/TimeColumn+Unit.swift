import Foundation
package import Postgres
import Reporting
import TableDays

extension TimeColumn {
  /// A time column whose unit is known where it is of integers, and the warning about a unit that nobody has named.
  package struct Resolved: Sendable {
    package let column: TimeColumn
    package let warning: String?
  }

  /// Finds out what the column counts, where it is of integers and no unit is named: the unit in which its last value is a
  /// time near now, or, in a table without rows, the value of the hypertable's `integer_now` function.
  /// - Throws: ``JobError`` `bad_time_column` when neither tells.
  package func resolved(in facts: TableFacts, on connection: PostgresConnection) async throws -> Resolved {
    guard kind.integers != nil, unit == nil else { return Resolved(column: self, warning: nil) }
    let guess = try await TimeUnitGuess(facts: facts, column: self, connection: connection)
    guard let guess else {
      throw JobError(
        .badTimeColumn,
        "\(name) of \(facts.table) holds integers, and what they count cannot be told from its values; say it with "
          + "\(field: "unit"), \(ErrorText(TimeUnit.form)), or `unit` of the table in the settings file, or name a column of type "
          + "timestamptz, timestamp or date", field: "time_column")
    }
    var column = self
    column.unit = guess.unit
    return Resolved(
      column: column,
      warning:
        "\(name) of \(facts.table) is taken to count \(guess.unit.rawValue), since \(guess.reason); confirm it: \"unit\": "
        + "\"\(guess.unit.rawValue)\" under tables.\(facts.table) in the settings file")
  }
}

/// The unit of an integer time column, told from a value that must be a time near now.
struct TimeUnitGuess {
  let unit: TimeUnit
  let reason: String

  /// Nil where no value tells.
  init?(facts: TableFacts, column: TimeColumn, connection: PostgresConnection) async throws {
    let rows = TableRows(facts, by: column, on: connection)
    // A continuous aggregate has its index on the table that holds its rows.
    let isCheap = if facts.aggregate != nil { true } else { try await rows.hasTimeIndex() }
    if isCheap, let last = try await rows.lastInteger() {
      guard let unit = Self.unit(of: last) else { return nil }
      self.unit = unit
      reason = "its last value, \(last), is then \(DayWindow.text(unit.instant(of: last), in: .gmt))"
      return
    }
    guard facts.chunked?.dimension.column == column.name, let now = try await facts.chunked?.present(on: connection),
      let unit = Self.unit(of: now)
    else { return nil }
    self.unit = unit
    reason = "the hypertable's integer_now function returns \(now)"
  }

  /// The unit in which `value` is a time between 1980 and ten years from now; at most one, as they differ by 1,000.
  static func unit(of value: Int, now: Date = Date()) -> TimeUnit? {
    let times = Date(timeIntervalSince1970: 10 * 365.25 * 86_400)...now.addingTimeInterval(10 * 365.25 * 86_400)
    return TimeUnit.allCases.first { times.contains($0.instant(of: value)) }
  }
}
