package import Reporting
package import TableDays

/// What a backup of one table-day would do, without doing it.
package struct BackupPreview: Sendable, Encodable, Equatable {
  package enum Outcome: String, Sendable, Encodable {
    case archive
    /// There is an archive, which `overwrite` replaces.
    case replace
    /// ``BackupPreview/skipped`` says why.
    case skip
    /// ``BackupPreview/error`` says why.
    case refuse
  }

  package let table: TableName
  package let date: Day
  package var outcome: Outcome
  /// The archive that is there.
  package var path: String?
  /// Why the table-day would be skipped: `exists`, `no chunk`, `no partition`, `outside the table's rows` where an index tells that, or `used`
  /// for an archive because of which rows were dropped.
  package var skipped: String?
  /// By the planner of the database, or counted where an archive would be replaced; nil where nothing would be read.
  package var estimatedRows: Int?
  /// By the bytes a row of the table's last archives; nil where there are none.
  package var estimatedGzipBytes: Int?
  package var error: JobError?

  enum CodingKeys: String, CodingKey {
    case table, date, outcome, path, skipped, error
    case estimatedRows = "estimated_rows"
    case estimatedGzipBytes = "estimated_gzip_bytes"
  }
}

/// What a backup would do.
package struct BackupPreviewReport: Sendable, Encodable {
  package let dryRun = true
  package var results: [BackupPreview]
  /// The lake as an operator writes it.
  package var lake: String

  enum CodingKeys: String, CodingKey {
    case results, lake
    case dryRun = "dry_run"
  }
}
