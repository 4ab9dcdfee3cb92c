package import Foundation
package import TableDays

/// What the settings say of backups.
package struct BackupOptions: Sendable {
  /// `BACKUP_TABLES`, with what the settings file says of each.
  package var tables: [TableOptions] = []
  /// What the settings file says of tables that are not in `BACKUP_TABLES`.
  package var otherTables: [TableName: TableOptions] = [:]
  /// `BACKUP_TIMEZONE`.
  package var timeZone = TimeZone.gmt
  /// `BACKUP_LOOKBACK_DAYS`.
  package var lookbackDays = 7
  /// `BACKUP_GZIP_LEVEL`, 1...9.
  package var gzipLevel: Int

  package init(gzipLevel: Int) {
    self.gzipLevel = gzipLevel
  }

  /// What is said of `table`; empty when nothing is.
  package func options(of table: TableName) -> TableOptions {
    tables.first { $0.table == table } ?? otherTables[table] ?? TableOptions(table: table)
  }
}
