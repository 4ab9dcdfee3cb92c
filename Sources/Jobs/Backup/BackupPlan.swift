package import Foundation
import Reporting
package import TableDays

/// What a backup is going to archive, with everything decided: the table-days, in the order they are begun.
package struct BackupPlan: Sendable, Equatable {
  /// One table-day to archive.
  package struct Unit: Sendable, Equatable {
    package let tableDay: TableDay
    /// Nil: found from the catalog.
    package let timeColumn: ColumnName?
    /// Gzip level, 1...9.
    package let level: Int
    /// Replace an archive that is there.
    package let overwrite: Bool
    /// With ``overwrite``: also by one with fewer rows.
    package let force: Bool
  }

  package let units: [Unit]

  /// The plan for a request at the instant `now`. This is the one place that says what counts of an option: the request's
  /// word for all its tables, then its word for one, then the settings' for that table, then the settings' for all.
  /// - Parameter database: the one that is archived.
  /// - Throws: ``JobError`` `day_not_over`, `date_in_future`.
  package init(_ request: BackupRequest, _ options: BackupOptions, database: String, now: Date) throws {
    let today = Day(now, in: options.timeZone)
    guard request.to < today else {
      let zone = DayWindow(today, in: options.timeZone).timeZoneName
      throw JobError(
        request.to == today ? .dayNotOver : .dateInFuture,
        "\(request.to) is not over yet in \(zone), where it is \(today); the last "
          + "day that can be archived is \(today.adding(days: -1))", field: request.from == request.to ? "date" : "to")
    }
    units = request.tables.flatMap { asked in
      let table = asked.over(options.options(of: asked.table))
      return request.from.through(request.to).map { day in
        Unit(
          tableDay: TableDay(database: database, table: table.table, day: day),
          timeColumn: table.timeColumn.map { ColumnName($0) },
          level: request.compressionLevel ?? table.compressionLevel ?? options.gzipLevel,
          overwrite: request.overwrite, force: request.force)
      }
    }
  }

  /// The plan of a nightly run: yesterday, and every day of the look-back that is not in `archived`, of each of
  /// `BACKUP_TABLES`. Day by day, the last one first: when the time is short, every table has its yesterday.
  package init(nightly options: BackupOptions, database: String, archived: [TableName: Set<Day>], now: Date) {
    let yesterday = Day(now, in: options.timeZone).adding(days: -1)
    let days = yesterday.adding(days: 1 - options.lookbackDays).through(yesterday).reversed()
    units = days.flatMap { day in
      options.tables.compactMap { table in
        guard archived[table.table]?.contains(day) != true else { return nil }
        return Unit(
          tableDay: TableDay(database: database, table: table.table, day: day),
          timeColumn: table.timeColumn.map { ColumnName($0) },
          level: table.compressionLevel ?? options.gzipLevel, overwrite: false, force: false)
      }
    }
  }
}
