/// A day of a table of a database: what one archive holds, and what one job works on.
package struct TableDay: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Database, as the server spells it.
  package let database: String
  /// Table.
  package let table: TableName
  /// Day.
  package let day: Day

  /// The most table-days that one request may ask for: a year of thirty tables.
  package static let maximumAtOnce = 11_000

  package init(database: String, table: TableName, day: Day) {
    self.database = database
    self.table = table
    self.day = day
  }

  /// The same bytes in every name.
  package static func == (one: TableDay, other: TableDay) -> Bool {
    one.database.utf8.elementsEqual(other.database.utf8) && one.table == other.table && one.day == other.day
  }

  /// By the bytes of its names, and the day.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(utf8: database)
    hasher.combine(table)
    hasher.combine(day)
  }

  /// Database, then table, then day.
  package static func < (one: TableDay, other: TableDay) -> Bool {
    (one.database, one.table, one.day) < (other.database, other.table, other.day)
  }

  /// `database/schema.table 2024-01-01`.
  package var description: String { "\(database)/\(table) \(day)" }
}
