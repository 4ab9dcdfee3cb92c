/// A family of numbers that the program shows to a monitor, declared once. Names follow Prometheus' conventions: base units,
/// and `_total` at the end of a counter, which the text adds.
package struct Metric: Sendable, Hashable {
  package enum Kind: String, Sendable {
    case counter, gauge, histogram
  }

  /// Without a counter's `_total`.
  package let name: String
  package let kind: Kind
  package let help: String

  package init(_ name: String, _ kind: Kind, _ help: String) {
    self.name = name
    self.kind = kind
    self.help = help
  }

  /// The upper bounds of a histogram's buckets, in seconds: from a small day to one that outlives a function.
  package static let buckets: [Double] = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400]
}

extension Metric {
  package static let archives = Metric(
    "sluice_archives_processed", .counter, "Table-days that backups, restores and verifications ended, by status.")
  package static let rows = Metric("sluice_rows", .counter, "Rows that backups wrote and restores loaded.")
  package static let csvBytes = Metric("sluice_csv_bytes", .counter, "Bytes of CSV that backups and restores moved.")
  package static let gzipBytes = Metric("sluice_gzip_bytes", .counter, "Bytes of gzip that backups and restores moved.")
  package static let duration = Metric(
    "sluice_archive_duration_seconds", .histogram, "How long a table-day took, from its turn to its end.")
  package static let lastSuccess = Metric(
    "sluice_last_success_timestamp_seconds", .gauge,
    "When this process last archived a day of the table, in seconds since 1970.")
  package static let lakeRetries = Metric(
    "sluice_lake_retries", .counter, "Requests to the lake that failed and were tried again.")
  package static let databaseRetries = Metric(
    "sluice_database_retries", .counter, "Sessions with the database that failed and were tried again.")
  package static let build = Metric("sluice_build_info", .gauge, "1, with the program's version.")
  package static let coverageProblems = Metric(
    "sluice_coverage_problems", .gauge,
    "Parts of the listing that could not be read, so that days may count as missing or as whole that are not.")
  package static let lakeUp = Metric("sluice_lake_up", .gauge, "1 where the lake could be listed, else 0.")
  package static let newestArchiveAge = Metric(
    "sluice_newest_archive_age_seconds", .gauge, "Seconds since the end of the last day of the table that is archived.")
  package static let missing = Metric(
    "sluice_missing_archives", .gauge, "Days of the table to yesterday that have no archive.")
  package static let damaged = Metric(
    "sluice_damaged_archives", .gauge, "Archives of the table whose length is not what their manifests say.")
  package static let admissionLimit = Metric(
    "sluice_admission_limit", .gauge, "Table-days that may run at the same time (BACKUP_CONCURRENCY).")
  package static let admissionRunning = Metric("sluice_admission_running", .gauge, "Table-days that run.")
  package static let admissionWaiting = Metric(
    "sluice_admission_waiting", .gauge, "Table-days that wait for their turn.")
  package static let poolConnections = Metric(
    "sluice_pool_connections", .gauge, "Connections to the database that are open, by state.")
  package static let poolWaiting = Metric("sluice_pool_waiting", .gauge, "Jobs that wait for a connection.")
}
