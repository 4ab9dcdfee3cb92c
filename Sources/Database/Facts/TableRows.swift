package import Foundation
package import Postgres
import Reporting
package import TableDays

/// Questions about the rows of a table that a backup asks in its snapshot.
package struct TableRows {
  let facts: TableFacts
  let column: TimeColumn
  let connection: PostgresConnection

  package init(_ facts: TableFacts, by column: TimeColumn, on connection: PostgresConnection) {
    self.facts = facts
    self.column = column
    self.connection = connection
  }

  /// Whether the table has rows before a span and rows after it. Rows that belong to no day do not count.
  package struct Around: Sendable, Equatable {
    package let before: Bool
    package let after: Bool
  }

  /// Looks for rows around `span`. Without an index it may read the table once, as the backup of the span has.
  package func around(_ span: DaySpan) async throws -> Around {
    let (table, name) = try await names()
    let start = try await connection.quoteLiteral(span.start)
    let end = try await connection.quoteLiteral(span.end)
    let type = span.kind.sqlType
    let days = Self.days(of: column)
    let row = try await connection.query(
      "SELECT EXISTS (SELECT FROM \(table) WHERE \(name) < \(start)::\(type) AND \(name) >= \(days.first)::\(type)) AS before, "
        + "EXISTS (SELECT FROM \(table) WHERE \(name) >= \(end)::\(type) AND \(name) < \(days.end)::\(type)) AS after"
    ).rows[0]
    return Around(before: try row.decode("before"), after: try row.decode("after"))
  }

  /// Whether `span` has no rows and does not lie between rows of the table. Without an index over the time column, which makes that
  /// cheap to tell, it is not asked: false.
  package func liesOutside(_ span: DaySpan) async throws -> Bool {
    guard try await hasTimeIndex() else { return false }
    let around = try await around(span)
    guard !(around.before && around.after) else { return false }
    let (table, _) = try await names()
    let condition = try await column.condition(for: span, on: connection)
    return try await !connection.query(
      "SELECT EXISTS (SELECT FROM \(table) WHERE \(condition)) AS has_rows"
    ).rows[0].decode("has_rows", as: Bool.self)
  }

  /// Whether a B-tree index over all rows begins with the time column, so that questions about its ends are cheap.
  package func hasTimeIndex() async throws -> Bool {
    try await connection.query(SQL.timeIndex, [String(facts.oid), column.name.text]).rows[0].decode("has_index")
  }

  /// The first value that belongs to a day, and the first one after the last, as literals.
  private static func days(of column: TimeColumn) -> (first: String, end: String) {
    let every = column.everyDay
    return ("'\(every?.start ?? "1583-01-01")'", "'\(every?.end ?? "10000-01-01")'")
  }

  /// The number of rows that are in no day's archive: their time is NULL, infinite, or of a year that no day has. Nil where
  /// they were not counted: without an index, or because the count failed.
  package func withoutADay(evenWithoutIndex: Bool) async throws -> Int? {
    let hasIndex = try await hasTimeIndex()
    guard hasIndex || evenWithoutIndex else { return nil }
    let (table, name) = try await names()
    let type = column.kind.sqlType
    let days = Self.days(of: column)
    try await connection.query("SAVEPOINT sluice_count")
    do {
      if hasIndex { try await connection.query("SET LOCAL enable_seqscan = off") }
      let rows: Int = try await connection.query(
        "SELECT pg_catalog.count(*) AS n FROM \(table) WHERE \(name) IS NULL OR \(name) < \(days.first)::\(type) "
          + "OR \(name) >= \(days.end)::\(type)"
      ).rows[0].decode("n")
      try await connection.query("ROLLBACK TO SAVEPOINT sluice_count")
      return rows
    } catch PostgresError.server(let error) where !error.isFatal && !Task.isCancelled {
      // An archive does not fail because of a count beside it.
      Log.write(.warning, "the rows without a day were not counted", ["table": facts.table, "reason": error])
      try await connection.query("ROLLBACK TO SAVEPOINT sluice_count")
      return nil
    }
  }

  /// The number of rows in `span`, in a READ COMMITTED transaction.
  /// - Throws: ``JobError`` `table_changed`, ``PostgresError``.
  package func count(in span: DaySpan) async throws -> Int {
    try await ExistingRows(of: span, in: facts.table, hypertable: facts.hypertable, by: column).count(on: connection)
  }

  /// The number of rows of each of `days`, in one pass over them, in a READ COMMITTED transaction.
  /// - Throws: ``JobError`` `table_changed`, ``PostgresError``.
  package func counts(of days: ClosedRange<Day>, in zone: TimeZone) async throws -> [Day: Int] {
    let all = days.lowerBound.through(days.upperBound)
    let spans = try all.map { try column.span(of: DayWindow($0, in: zone)) }
    guard let first = spans.first, let last = spans.last else { return [:] }
    let (table, name) = try await names()
    let whole = DaySpan(kind: column.kind, unit: column.unit, start: first.start, end: last.end)
    let condition = try await column.condition(for: whole, on: connection)
    let starts = try await connection.quoteLiteral("{\(spans.map { "\"\($0.start)\"" }.joined(separator: ","))}")
    // width_bucket gives the number of the last start that is not greater.
    let rows = try await ChunkVersions.steady(facts.hypertable, of: whole, by: column, on: connection) {
      try await connection.query(
        "SELECT pg_catalog.width_bucket(\(name), \(starts)::\(column.kind.sqlType)[]) AS place, pg_catalog.count(*) AS n "
          + "FROM \(table) WHERE \(condition) GROUP BY 1"
      ).rows
    }
    var counts: [Day: Int] = Dictionary(uniqueKeysWithValues: all.map { ($0, 0) })
    for row in rows { counts[all[try row.decode("place", as: Int.self) - 1]] = try row.decode("n") }
    return counts
  }

  /// The days of the first and the last row before `span`, in `zone`; nil when there are none. It needs an index.
  package func days(before span: DaySpan, in zone: TimeZone) async throws -> (first: Day, last: Day)? {
    let (table, name) = try await names()
    let start = try await connection.quoteLiteral(span.start)
    let type = span.kind.sqlType
    let first = try await value("first", in: zone), last = try await value("last", in: zone)
    let row = try await connection.query(
      "SELECT \(first) AS first, \(last) AS last FROM (SELECT pg_catalog.min(\(name)) AS first, "
        + "pg_catalog.max(\(name)) AS last FROM \(table) WHERE \(name) >= \(Self.days(of: column).first)::\(type) "
        + "AND \(name) < \(start)::\(type)) AS rows"
    ).rows[0]
    guard let first = try day(row, "first", in: zone), let last = try day(row, "last", in: zone) else { return nil }
    return (first, last)
  }

  /// The SQL of the day of a value, or of the integer itself.
  private func value(_ value: String, in zone: TimeZone) async throws -> String {
    guard column.unit == nil else { return "\(value)::pg_catalog.int8" }
    let zone = try await connection.quoteLiteral(zone.ianaName)
    let clock = column.kind == .instant ? "pg_catalog.timezone(\(zone), \(value))" : value
    return "pg_catalog.to_char(\(clock), 'YYYY-MM-DD')"
  }

  private func day(_ row: PostgresRow, _ name: String, in zone: TimeZone) throws -> Day? {
    guard let unit = column.unit else { return try row.decodeIfPresent(name, as: String.self).flatMap { Day($0) } }
    return try row.decodeIfPresent(name, as: Int.self).map { Day(unit.instant(of: $0), in: zone) }
  }

  /// The last value of an integer column; nil in a table without rows. It needs an index.
  func lastInteger() async throws -> Int? {
    let (table, name) = try await names()
    return try await connection.query("SELECT pg_catalog.max(\(name))::pg_catalog.int8 AS last FROM \(table)").rows[0]
      .decodeIfPresent("last")
  }

  private func names() async throws -> (table: String, column: String) {
    (try await connection.quoted(facts.table), try await connection.quoteIdentifier(column.name.text))
  }
}
