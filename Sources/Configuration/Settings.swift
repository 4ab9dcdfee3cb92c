package import Database
package import Essentials
import Foundation
package import Jobs
package import Lake
package import Reporting
import TableDays

/// Who does the table-days of a large backup.
package enum BackupFanout: String, Sendable, CaseIterable {
  case none
  case queue
}

/// The program's settings, read once at the start.
///
/// Each is declared as a ``Setting``. Each is an environment variable (Azure app settings are environment variables);
/// `sluice.json` may hold the same names, and the options of tables. A variable wins over the file.
package struct Settings: Sendable {
  /// `FUNCTIONS_CUSTOMHANDLER_PORT`; nil when no Functions host is in front.
  package var customHandlerPort: Int?
  package var server = DatabaseServer()
  /// `PG_POOL_MAX`.
  package var poolMaximum = 8
  /// `PG_LOCK_TIMEOUT_SECONDS`.
  package var lockTimeoutSeconds = 60
  /// `PG_RETRY_SECONDS`.
  package var databaseRetrySeconds = 60
  /// `LAKE_URL`.
  package var lakeAddress: LakeAddress
  /// `?create=true` at the end of `LAKE_URL`: the program creates the lake if it does not exist.
  package var createsLake = false
  /// `LAKE_ALLOWED_HOSTS`.
  package var lakeAllowedHosts: [LakeHost] = []
  package var lakeOptions = LakeOptions()
  package var backup = BackupOptions()
  package var retention = RetentionOptions()
  /// The tasks under `maintenance` in the settings file.
  package var maintenance = MaintenanceOptions()
  package var drill = DrillOptions()
  /// `MAINTENANCE_KEY`.
  package var maintenanceKey: Secret?
  /// `PG_CRON_…`, and the part `cron` of the settings file.
  package var cron = CronOptions()
  /// `BACKUP_CONCURRENCY`.
  package var concurrency = 2
  /// `SLUICE_KEY`.
  package var key: Secret?
  /// `SLUICE_SHUTDOWN_GRACE`.
  package var shutdownGraceSeconds = 25
  /// `SLUICE_OPERATIONS_DAYS`.
  package var operationsDays = JobContext.defaultOperationsDays
  /// `SLUICE_SYNC_LIMIT`.
  package var syncLimitSeconds = 200
  /// `BACKUP_FANOUT`.
  package var fanout = BackupFanout.none
  /// `RESTORE_ON_ARRIVAL`.
  package var arrivals: [ArrivalPattern] = []
  /// `SLUICE_LOG_FORMAT`.
  package var logFormat = Log.Format.text
  /// `SLUICE_LOG_LEVEL`; nil leaves it to the command.
  package var logLevel: Log.Level?
  /// The variables of libpq that were read.
  package var ofLibpq: [String] = []
  /// Warnings about variables that may be mistyped settings.
  package var warnings: [String] = []

  /// `LAKE_URL` where it is not set.
  static let defaultLake = "file://./lake"
  /// `SLUICE_CONFIG` where it is not set: read if it exists.
  package static let defaultFile = "sluice.json"
  /// The settings before any is read, for the words of the documents. Its lake is none: ``defaultLake`` is read at the start.
  static let defaults = Settings(lakeAddress: LakeAddress(lake: FolderPlace(path: "/"), path: nil))

  /// The options of restores.
  /// - Parameter openLake: opens another lake that a request names, at its root.
  package func restoreOptions(
    openLake: @escaping @Sendable (any LakePlace) async throws -> any LakeStore
  ) -> RestoreOptions {
    var timeColumns: [TableName: ColumnName] = [:]
    var units: [TableName: TimeUnit] = [:]
    for options in Array(backup.otherTables.values) + backup.tables {
      timeColumns[options.table] = options.timeColumn.map { ColumnName($0) }
      units[options.table] = options.unit
    }
    var options = RestoreOptions(
      timeZone: backup.timeZone, lake: lakeAddress, lakeAllowedHosts: lakeAllowedHosts, timeColumns: timeColumns,
      units: units, openLake: openLake)
    options.arrivals = arrivals
    return options
  }
}
