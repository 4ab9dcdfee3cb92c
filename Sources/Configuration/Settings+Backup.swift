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
      "BACKUP_RECHECK_DAYS", .integer(0...3660),
      "how many of a table's last archived days the nightly run counts again; a day with more rows is archived again",
      into: \.backup.recheckDays),
    Setting(
      "BACKUP_CONCURRENCY", .integer(1...64),
      "table-days that run at the same time, over all requests, messages and timers", into: \.concurrency),
    Setting(
      "BACKUP_GZIP_LEVEL", .integer(BackupOptions.gzipLevels), "gzip level: 1–3 is fast, 4–9 is smaller",
      into: \.backup.gzipLevel),
    Setting(
      "BACKUP_FANOUT", SettingForm<BackupFanout>.choice,
      "`queue`: behind the Functions host the nightly run, and a job that is answered at once, become one message a table-day, "
        + "which any instance takes up; `none`: one instance does all", into: \.fanout),
    Setting(
      "DRILL_MAX_MIB", .integer(0...1_048_576),
      "MiB of gzip of the largest archive that a drill chooses by chance, since it restores it into the database; 0 sets no limit",
      into: \.drill.maximumMiB),
    Setting(
      "RESTORE_ON_ARRIVAL",
      .list(of: SettingForm("`database/schema.table`, in which * stands for any characters") { ArrivalPattern($0) }),
      "tables whose archives are restored when an event of the storage account (`BlobRenamed`, `BlobCreated`) on the queue of "
        + "`restore_worker` tells of them", into: \.arrivals),
  ]
}
