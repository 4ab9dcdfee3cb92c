package import Essentials
import Reporting
package import TableDays

/// A request for a backup, from HTTP, a queue message or the command line.
package struct BackupRequest: Sendable, Equatable {
  /// The tables; at least one, or one of ``patterns``.
  package var tables: [TableOptions]
  /// Patterns over the tables of `BACKUP_TABLES`.
  package var patterns: [TablePattern] = []
  /// The first day.
  package var from: Day
  /// The last day, included.
  package var to: Day
  /// The time column of the tables that name none.
  package var timeColumn: String?
  /// What the integer time columns of the tables count; nil is the table's option.
  package var unit: TimeUnit?
  /// Views and materialized views may be archived; nil is the table's option.
  package var allowsView: Bool?
  /// Replace existing archives.
  package var overwrite = false
  /// With ``overwrite``: replace archives that may hold more than the new ones would.
  package var force = false
  /// The gzip level, 1...9; nil is the table's option or `BACKUP_GZIP_LEVEL`.
  package var compressionLevel: Int?
  /// Identifies the request over its attempts: an archive that this request has replaced is not replaced again.
  package var key: String?
  /// What happens to a day without rows.
  package var empty = EmptyDay.auto
  /// Count the rows that belong to no day also where no index makes that cheap.
  package var countRowsWithoutADay = false

  /// `empty`: what happens to a day without rows.
  package enum EmptyDay: String, Sendable, CaseIterable {
    /// It is archived where the table has rows before and after it.
    case auto
    /// It is archived.
    case archive
  }

  package init(tables: [TableOptions], from: Day, to: Day, overwrite: Bool = false) {
    self.tables = tables
    self.from = from
    self.to = to
    self.overwrite = overwrite
  }

  /// Reads `{table | tables, date | from,to, time_column, unit, allow_view, overwrite, force, compression_level,
  /// empty, rows_without_a_day, key}`.
  /// - Throws: ``JobError`` with the field.
  package init(_ value: JSONValue) throws {
    var fields = try Fields(value)
    (tables, patterns) = try Self.tables(&fields)
    (from, to) = try fields.days()
    timeColumn = try fields.string("time_column", "a column's name")
    unit = try fields.choice("unit", TimeUnit.self)
    allowsView = try fields.bool("allow_view")
    overwrite = try fields.bool("overwrite") ?? false
    force = try fields.bool("force") ?? false
    compressionLevel = try fields.integer("compression_level", in: BackupOptions.gzipLevels)
    empty = try fields.choice("empty", EmptyDay.self) ?? .auto
    countRowsWithoutADay = try fields.bool("rows_without_a_day") ?? false
    key = try fields.key()
    try fields.finish()
    try refuseTooMany(of: tables.count)
  }

  /// - Throws: ``JobError`` `too_many_units`.
  func refuseTooMany(of tables: Int) throws {
    let units = from.count(through: to) * tables
    guard units > TableDay.maximumAtOnce else { return }
    throw JobError(
      .tooManyUnits,
      "\(units) table-days asked for at once, at most \(TableDay.maximumAtOnce); split the span from \(field: "from") on",
      field: "to")
  }

  /// Reads `table` or `tables`.
  private static func tables(_ fields: inout Fields) throws -> ([TableOptions], [TablePattern]) {
    let table = try fields.strings("table", Fields.tableForm)
    let list = try fields.strings("tables", "a list of \(Fields.tableForm)")
    if table != nil, list != nil {
      throw JobError(.badField, "give one of the two, \(field: "table") or \(field: "tables")", field: "tables")
    }
    let field = list == nil ? "table" : "tables"
    var tables: [TableOptions] = []
    var patterns: [TablePattern] = []
    for text in (table ?? list ?? []).flatMap({ TableOptions.entries($0) }) {
      if TablePattern.isOne(text) {
        patterns.append(try TablePattern(text, field: field))
      } else {
        tables.append(try TableOptions(parsing: text, field: field))
      }
    }
    // A list of nothing but commas is refused too, since "done" would be a wrong answer to it.
    guard !tables.isEmpty || !patterns.isEmpty else {
      throw fields.missing("table", "missing; expected \(Fields.tableForm), or a pattern such as events.*")
    }
    try TableOptions.refuseTwice(tables, field: field)
    return (tables, patterns)
  }
}
