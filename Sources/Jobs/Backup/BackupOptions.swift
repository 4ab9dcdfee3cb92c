import Archive
package import Foundation
package import TableDays

/// The settings of backups.
package struct BackupOptions: Sendable {
  /// `BACKUP_TABLES`, with the tables' options in the settings file.
  package var tables: [TableOptions] = []
  /// The settings file's options of tables that are not in `BACKUP_TABLES`.
  package var otherTables: [TableName: TableOptions] = [:]
  /// `BACKUP_TIMEZONE`.
  package var timeZone = TimeZone.gmt
  /// `BACKUP_LOOKBACK_DAYS`.
  package var lookbackDays = 7
  /// `BACKUP_RECHECK_DAYS`.
  package var recheckDays = 3
  /// `BACKUP_GZIP_LEVEL`, one of ``gzipLevels``.
  package var gzipLevel = ArchiveWriter.defaultLevel

  /// The gzip levels that settings, options of tables and requests may name: 1...9.
  package static let gzipLevels = ArchiveWriter.levels

  /// The defaults.
  package init() {}

  /// The options of `table`; without values when the settings have none.
  package func options(of table: TableName) -> TableOptions {
    tables.first { $0.table == table } ?? otherTables[table] ?? TableOptions(table: table)
  }

  /// The first day that a nightly run archives of `table`; nil where it is not in `BACKUP_TABLES`.
  package func lookbackStart(of table: TableName, now: Date) -> Day? {
    guard tables.contains(where: { $0.table == table }) else { return nil }
    return today(of: table, now: now).adding(days: -lookbackDays)
  }

  /// What a listing needs of the tables of the settings.
  func configuredTables(now: Date) -> [Coverage.Configured] {
    tables.map { options in
      let today = today(of: options.table, now: now)
      return Coverage.Configured(
        table: options.table, lookbackStart: today.adding(days: -lookbackDays), lastDay: today.adding(days: -1))
    }
  }

  /// The day that it is on the clock which the time column of `table` shows.
  func today(of table: TableName, now: Date) -> Day { Day(now, in: options(of: table).clock ?? timeZone) }
}
