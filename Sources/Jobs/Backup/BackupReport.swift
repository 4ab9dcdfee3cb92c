package import Reporting
package import TableDays

/// The result of one table-day.
package struct BackupResult: Sendable, Encodable, Equatable {
  package enum Status: String, Sendable, Encodable {
    /// A new archive was published.
    case ok
    /// An archive exists and was kept, or there is nothing to archive; ``BackupResult/skipped`` says which.
    case skipped
    /// The storage did not confirm that the new archive was published, or that it is durable; `error` has the details.
    case unconfirmed
    /// Nothing was published.
    case failed
    /// The job was cancelled, or its time ran out (`no_turn`), before it began this table-day.
    case notBegun = "not_begun"
  }

  package var status: Status
  package var database: String
  package var table: TableName
  package var date: Day
  /// Why the table-day was skipped: `exists`, `outside the table's rows`, `no chunk` or `no partition`.
  package var skipped: String?
  /// An archive of the day has rows, and the chunk or partition that held them is gone; nil, and absent, otherwise.
  package var dropped: Bool?
  /// The archive's path under `LAKE_URL`.
  package var path: String?
  /// The number of archived rows.
  package var rows: Int?
  /// The new archive has no rows; nil, and absent, otherwise.
  package var empty: Bool?
  /// The table's rows whose time is NULL or infinite, which are in no archive; nil unless this table-day's job counted
  /// them.
  package var rowsWithoutADay: Int?
  /// The length of the CSV.
  package var csvBytes: Int?
  /// The length of the gzip file.
  package var gzipBytes: Int?
  /// The SHA-256 of the gzip file, in hexadecimal.
  package var sha256: String?
  /// The duration of the work.
  package var seconds: Double?
  package var warnings: [String] = []
  package var error: JobError?
  /// Of a day that has neither rows nor an archive: whether the table has rows, or chunks or partitions, of earlier days. It is not in
  /// the report.
  var hadEarlierRows: Bool?

  enum CodingKeys: String, CodingKey {
    case status, database, table, date, skipped, dropped, path, rows, empty
    case rowsWithoutADay = "rows_without_a_day"
    case csvBytes = "csv_bytes"
    case gzipBytes = "gzip_bytes"
    case sha256, seconds, warnings, error
  }

  init(_ tableDay: TableDay, _ status: Status, error: JobError? = nil) {
    self.status = status
    database = tableDay.database
    table = tableDay.table
    date = tableDay.day
    self.error = error
    if status == .notBegun { seconds = 0 }
  }
}

/// The report of a backup: one result for each table-day, in the plan's order. A job that was cut short has a report
/// too.
package struct BackupReport: Sendable, Encodable {
  /// `ok`; `partial` when some table-days failed, were not begun or are unconfirmed; `failed` when all failed or were
  /// not begun.
  package var status: JobStatus {
    JobStatus(
      results.map { result in
        switch result.status {
        case .ok, .skipped: .ok
        case .unconfirmed: .partial
        case .failed, .notBegun: .failed
        }
      })
  }
  package var results: [BackupResult]
  /// The lake as an operator writes it; holds no secret.
  package var lake: String?

  package init(results: [BackupResult], lake: String? = nil) {
    self.results = results
    self.lake = lake
  }

  enum CodingKeys: String, CodingKey {
    case status, results, lake
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(status, forKey: .status)
    try container.encode(results, forKey: .results)
    try container.encodeIfPresent(lake, forKey: .lake)
  }
}
