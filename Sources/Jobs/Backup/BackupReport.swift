package import Reporting
package import TableDays

/// What became of one table-day.
package struct BackupResult: Sendable, Encodable, Equatable {
  /// How it ended.
  package enum Status: String, Sendable, Encodable {
    /// A new archive is in the lake.
    case ok
    /// The archive that is there was left alone.
    case skipped
    /// The new archive is in the lake, or may be, and the storage did not confirm that it stays; `error` says more.
    case unconfirmed
    /// Nothing was written.
    case failed
    /// The job was cut short before this table-day.
    case notBegun = "not_begun"
  }

  /// How it ended.
  package var status: Status
  /// Database.
  package var database: String
  /// Table.
  package var table: TableName
  /// Day.
  package var date: Day
  /// Why it was left alone: `exists`.
  package var skipped: String?
  /// The archive's place under `LAKE_URL`.
  package var path: String?
  /// Rows archived.
  package var rows: Int?
  /// Bytes of CSV.
  package var csvBytes: Int?
  /// Bytes of gzip.
  package var gzipBytes: Int?
  /// SHA-256 of the gzip file, hexadecimal.
  package var sha256: String?
  /// Seconds it took.
  package var seconds: Double?
  /// What is odd about it.
  package var warnings: [String] = []
  /// What failed.
  package var error: JobError?

  enum CodingKeys: String, CodingKey {
    case status, database, table, date, skipped, path, rows
    case csvBytes = "csv_bytes"
    case gzipBytes = "gzip_bytes"
    case sha256, seconds, warnings, error
  }

  /// A result of `tableDay` that says nothing yet.
  init(_ tableDay: TableDay, _ status: Status, error: JobError? = nil) {
    self.status = status
    database = tableDay.database
    table = tableDay.table
    date = tableDay.day
    self.error = error
    if status == .notBegun { seconds = 0 }
  }
}

/// The answer to a ``BackupRequest``: one result for each table-day, in the order asked for. It lists what was done also when
/// the job was cut short.
package struct BackupReport: Sendable, Encodable {
  /// `ok`, `partial` when some failed, were not begun or are unconfirmed, `failed` when all failed.
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
  /// One for each table-day.
  package var results: [BackupResult]

  package init(results: [BackupResult]) {
    self.results = results
  }

  enum CodingKeys: String, CodingKey {
    case status, results
  }

  /// Writes the status with the results.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(status, forKey: .status)
    try container.encode(results, forKey: .results)
  }
}
