/// A day of a table of a database: the content of one archive, and the unit of work of a job.
package struct TableDay: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The database's name, as the server spells it.
  package let database: String
  package let table: TableName
  package let day: Day

  /// The maximum number of table-days in one request: a year of thirty tables.
  package static let maximumAtOnce = 11_000

  package init(database: String, table: TableName, day: Day) {
    self.database = database
    self.table = table
    self.day = day
  }

  /// Compares the names by their bytes.
  package static func == (one: TableDay, other: TableDay) -> Bool {
    one.database.utf8.elementsEqual(other.database.utf8) && one.table == other.table && one.day == other.day
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(utf8: database)
    hasher.combine(table)
    hasher.combine(day)
  }

  /// Orders by database, then table, then day.
  package static func < (one: TableDay, other: TableDay) -> Bool {
    (one.database, one.table, one.day) < (other.database, other.table, other.day)
  }

  /// `database/schema.table 2024-01-01`.
  package var description: String { "\(database)/\(table) \(day)" }
}
