import Essentials
import Foundation
import Gzip
import Lake
import Postgres

/// The program's settings, read once at the start.
///
/// Each has a name in the environment (Azure app settings are environment variables); `sluice.json` may hold the same
/// names, and what does not fit a variable. A variable wins over the file.
public struct Settings: Sendable {
  /// `FUNCTIONS_CUSTOMHANDLER_PORT`: set by the Functions host; nil when no host stands in front.
  public var customHandlerPort: Int?
  /// `PG_HOST`: nil when not set; jobs that need it say so.
  public var pgHost: String?
  /// `PG_PORT`.
  public var pgPort = 5432
  /// `PG_DATABASE` or `PG_DB`.
  public var pgDatabase: String?
  /// `PG_USER`.
  public var pgUser: String?
  /// `PG_PASSWORD`.
  package var pgPassword: Secret?
  /// `PG_AUTH`: nil is by host, see ``authentication(host:)``.
  public var pgAuth: DatabaseAuthentication?
  /// `PG_SSLMODE`: nil is `verify-full` for Azure's servers and wherever a token is sent, else `require`.
  public var pgSSLMode: PostgresTarget.SSLMode?
  /// `PG_SSLROOTCERT`: a PEM file of trusted roots; nil is the system's.
  public var pgRootCertificateFile: String?
  /// libpq's own `PGSSLROOTCERT` is set, and names the roots unless `PG_SSLROOTCERT` does.
  public var hasLibpqRoots = false
  /// `PG_POOL_MAX`: connections kept per target.
  public var pgPoolMaximum = 8
  /// `PG_LOCK_TIMEOUT_SECONDS`: how long a job waits for a table that another session has locked.
  public var pgLockTimeoutSeconds = 60
  /// `PG_RETRY_SECONDS`: how long a server that is not there is tried again before a job has begun.
  public var pgRetrySeconds = 60
  /// `PG_ALLOWED_HOSTS`: where a request's `pg.host` may point, beside the configured host.
  public var pgAllowedHosts: [String] = []
  /// `LAKE_URL`.
  public var lake: LakeURL
  /// `?create=true` behind the URL of a folder: it is made where it is missing.
  public var createsLake = false
  /// `LAKE_ALLOWED_HOSTS`: where a request's `adls_url` may point, beside the configured lake.
  public var lakeAllowedHosts: [String] = []
  /// How a lake in a storage account is reached.
  public var lakeAccess = LakeAccess()
  /// `BACKUP_TABLES`, with what the file says of each table.
  public var tables: [TableSetting] = []
  /// `BACKUP_TIMEZONE`.
  public var timeZone = TimeZone.gmt
  /// `BACKUP_LOOKBACK_DAYS`.
  public var lookbackDays = 7
  /// `BACKUP_CONCURRENCY`: table-days under way at a time.
  public var concurrency = 2
  /// `BACKUP_GZIP_LEVEL`.
  public var gzipLevel = GzipCompressor.defaultLevel
  /// `SLUICE_KEY`.
  package var key: Secret?
  /// `SLUICE_SHUTDOWN_GRACE`: seconds that jobs may go on after SIGTERM.
  public var shutdownGrace: Double = 25
  /// Per-table options of the file for tables that are not in `BACKUP_TABLES`.
  public var tableOptions: [TableName: TableSetting] = [:]

  /// The setting of `table`, empty when nothing is said of it.
  public func setting(for table: TableName) -> TableSetting {
    tables.first { $0.table == table } ?? tableOptions[table] ?? TableSetting(table: table)
  }
}
