package import Essentials
package import Foundation
import Reporting
package import TableDays

/// The table-days that a backup archives, with all options resolved, in the order in which they are begun.
package struct BackupPlan: Sendable, Equatable {
  /// One table-day to archive.
  package struct Unit: Sendable, Equatable {
    package let tableDay: TableDay
    /// The options of the table, resolved.
    package let options: TableOptions
    /// The gzip level, 1...9.
    package let level: Int
    /// Replace an existing archive.
    package let overwrite: Bool
    /// With ``overwrite``: replace an archive that may hold more than the new one would.
    package let force: Bool
    /// The clock that a time column without a zone shows: the table's `clock`, else `BACKUP_TIMEZONE`.
    package let clock: TimeZone
    /// Archive also a day before the table's first row or after its last one.
    package let archivesEmpty: Bool
    /// Count the rows that belong to no day also where no index makes that cheap.
    package let countsRowsWithoutADay: Bool
    /// The request's key; nil for a request without one and for the nightly run.
    package let key: String?

    /// A backup request of this table-day alone.
    fileprivate var message: JSONValue {
      var members: [String: JSONValue] = [
        "table": .string("\(tableDay.table)"), "date": .string("\(tableDay.day)"), "compression_level": .integer(level),
      ]
      if let column = options.timeColumn { members["time_column"] = .string(column) }
      if let unit = options.unit { members["unit"] = .string(unit.rawValue) }
      if options.allowsView == true { members["allow_view"] = true }
      if overwrite { members["overwrite"] = true }
      if force { members["force"] = true }
      if archivesEmpty { members["empty"] = .string(BackupRequest.EmptyDay.archive.rawValue) }
      if countsRowsWithoutADay { members["rows_without_a_day"] = true }
      return .object(members)
    }

    /// The time column; nil is the column by which the table is partitioned.
    package var timeColumn: ColumnName? { options.timeColumn.map { ColumnName($0) } }

    /// Resolves the precedence of an option's values: the request's for this table, the request's for all its tables, the
    /// settings' for this table, the settings' for all tables.
    fileprivate init(
      _ day: Day, of table: TableOptions, in database: String, _ options: BackupOptions, _ request: BackupRequest?
    ) {
      tableDay = TableDay(database: database, table: table.table, day: day)
      let ofAll = TableOptions(
        table: table.table, timeColumn: request?.timeColumn, compressionLevel: request?.compressionLevel,
        unit: request?.unit, allowsView: request?.allowsView)
      self.options = table.over(ofAll).over(options.options(of: table.table))
      level = self.options.compressionLevel ?? options.gzipLevel
      overwrite = request?.overwrite ?? false
      force = request?.force ?? false
      clock = self.options.clock ?? options.timeZone
      archivesEmpty = request?.empty == .archive
      countsRowsWithoutADay = request?.countRowsWithoutADay ?? false
      key = request?.key
    }
  }

  package let units: [Unit]

  /// A message for each unit, each a backup request of one table-day.
  package var messages: [JSONValue] { units.map(\.message) }

  /// The plan without the table-days of `names`, such as `events.clicks 2024-01-31`.
  package func without(_ names: Set<String>) -> BackupPlan {
    BackupPlan(units: units.filter { !names.contains("\($0.tableDay.table) \($0.tableDay.day)") })
  }

  private init(units: [Unit]) { self.units = units }

  static func + (one: BackupPlan, other: BackupPlan) -> BackupPlan { BackupPlan(units: one.units + other.units) }

  /// The plan for a request at the instant `now`.
  /// - Parameter database: the database to archive.
  /// - Throws: ``JobError`` `day_not_over`, `date_in_future`, `too_many_units`, and `bad_field` for a pattern that matches none.
  package init(_ request: BackupRequest, _ options: BackupOptions, database: String, now: Date) throws {
    let tables = try request.allTables(options)
    try request.refuseTooMany(of: tables.count)
    units = tables.flatMap { table in
      request.from.through(request.to).map { Unit($0, of: table, in: database, options, request) }
    }
    // The last days of the tables, of which each may show another clock.
    for unit in units where unit.tableDay.day == request.to { try Self.refuseUnfinished(unit, request, now: now) }
  }

  /// A day is over when it is over on the clock that the table's time column shows.
  private static func refuseUnfinished(_ unit: Unit, _ request: BackupRequest, now: Date) throws {
    let today = Day(now, in: unit.clock)
    guard request.to >= today else { return }
    let what = unit.options.clock == nil ? "" : ", the clock of \(unit.tableDay.table)"
    throw JobError(
      request.to == today ? .dayNotOver : .dateInFuture,
      "\(request.to) is not over yet in \(unit.clock.ianaName)\(what), where it is \(today); the last "
        + "day that can be archived is \(today.adding(days: -1))", field: request.from == request.to ? "date" : "to")
  }

  /// The plan of a nightly run for days that have got more rows since they were archived: their archives are replaced.
  init(again days: [(table: TableName, day: Day)], _ options: BackupOptions, database: String) {
    units = days.map { table, day in
      let own = options.options(of: table)
      let request = BackupRequest(tables: [own], from: day, to: day, overwrite: true)
      return Unit(day, of: own, in: database, options, request)
    }
  }

  /// The plan of a nightly run: of each table in `BACKUP_TABLES`, every day of the look-back that is not in `archived`.
  /// Ordered by day, the latest first: a run that is cut short has archived yesterday's data of as many tables as
  /// possible.
  package init(nightly options: BackupOptions, database: String, archived: [TableName: Set<Day>], now: Date) {
    units = (1...max(1, options.lookbackDays)).flatMap { daysAgo in
      options.tables.compactMap { table in
        let day = options.today(of: table.table, now: now).adding(days: -daysAgo)
        return archived[table.table]?.contains(day) == true ? nil : Unit(day, of: table, in: database, options, nil)
      }
    }
  }
}
