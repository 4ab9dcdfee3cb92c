import Foundation
import Jobs
import Reporting

extension Settings {
  /// `BACKUP_…`: the tables to archive, and how to archive them.
  static let backup = [
    Setting(
      "BACKUP_TABLES", form: "`schema.table` or `schema.table:time_column`, or several separated by commas",
      "tables of the nightly run"
    ) { setting, text, settings in
      do {
        settings.backup.tables = try TableOptions.list(text, field: setting.name)
        try TableOptions.refuseTwice(settings.backup.tables, field: setting.name)
      } catch let error as JobError {
        throw error.asSetting
      }
    },
    Setting(
      "BACKUP_TIMEZONE", .timeZone, "the time zone of the archived days", into: \.backup.timeZone),
    Setting(
      "BACKUP_LOOKBACK_DAYS", .integer(1...3660),
      "how many days back the nightly run looks for missing archives", into: \.backup.lookbackDays),
    Setting(
      "BACKUP_CONCURRENCY", .integer(1...64),
      "table-days that run at the same time, over all requests, messages and timers", into: \.concurrency),
    Setting(
      "BACKUP_GZIP_LEVEL", .integer(BackupOptions.gzipLevels), "gzip level: 1–3 is fast, 4–9 is smaller",
      into: \.backup.gzipLevel),
  ]
}
