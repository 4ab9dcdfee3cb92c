package import Database
package import Essentials
import Foundation
import Gzip
package import Jobs
package import Lake
import TableDays

/// The program's settings, read once at the start.
///
/// Each is declared as a ``Setting``. It has a name in the environment (Azure app settings are environment variables);
/// `sluice.json` may hold the same names, and what does not fit a variable. A variable wins over the file.
package struct Settings: Sendable {
  /// The port that the Functions host gives; nil when no host stands in front.
  package var customHandlerPort: Int?
  /// The database server.
  package var server = DatabaseServer()
  /// Connections kept per target.
  package var poolMaximum = 8
  /// Seconds that a job waits for a lock.
  package var lockTimeoutSeconds = 60
  /// Seconds that a server that is not there is tried again.
  package var databaseRetrySeconds = 60
  /// The lake's root.
  package var lakeAddress: LakeAddress
  /// `?create=true` behind `LAKE_URL`: the lake is made where it is missing.
  package var createsLake = false
  /// Hosts that a request's `adls_url` may name, beside the configured lake's.
  package var lakeAllowedHosts: [LakeHost] = []
  /// How the lake is reached.
  package var lakeOptions = LakeOptions()
  /// What is archived, and how.
  package var backup = BackupOptions(gzipLevel: GzipCompressor.defaultLevel)
  /// Table-days under way at a time.
  package var concurrency = 2
  /// The key that callers show.
  package var key: Secret?
  /// Seconds that jobs may go on after SIGTERM.
  package var shutdownGraceSeconds = 25
  /// What is odd about the settings: variables that begin like ours and are none.
  package var warnings: [String] = []

  /// The options of restores.
  /// - Parameter openLake: opens another lake that a request names, at its top.
  package func restore(
    openLake: @escaping @Sendable (any LakePlace) async throws -> any LakeStore
  ) -> RestoreOptions {
    var timeColumns: [TableName: ColumnName] = [:]
    for options in Array(backup.otherTables.values) + backup.tables {
      timeColumns[options.table] = options.timeColumn.map { ColumnName($0) }
    }
    return RestoreOptions(
      timeZone: backup.timeZone, lake: lakeAddress, lakeAllowedHosts: lakeAllowedHosts, timeColumns: timeColumns,
      openLake: openLake)
  }
}
