package import TableDays

extension ArchiveCatalog {
  /// A place in the listing, which is ordered by table, then day.
  package struct Position: Sendable, Equatable, CustomStringConvertible {
    package let table: TableName
    package let day: Day

    package init(table: TableName, day: Day) {
      self.table = table
      self.day = day
    }

    /// Reads `schema.table/YYYY-MM-DD`.
    package init?(_ text: String) {
      guard let slash = text.lastIndex(of: "/"), let day = Day(text[slash...].dropFirst()),
        let table = try? TableName(parsing: String(text[..<slash]))
      else { return nil }
      self.init(table: table, day: day)
    }

    /// `schema.table/YYYY-MM-DD`.
    package var description: String { "\(table)/\(day)" }
  }

  /// The days that are listed.
  package struct Bounds: Sendable, Equatable {
    /// Only this table.
    package var table: TableName?
    /// The first day.
    package var from: Day?
    /// The last day, included.
    package var to: Day?

    package init(table: TableName? = nil, from: Day? = nil, to: Day? = nil) {
      self.table = table
      self.from = from
      self.to = to
    }

    func contains(_ archive: TableDay) -> Bool {
      (table == nil || archive.table == table) && from.map { archive.day >= $0 } ?? true
        && to.map { archive.day <= $0 } ?? true
    }
  }
}
